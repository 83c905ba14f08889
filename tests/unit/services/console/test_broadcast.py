"""The newest state reaches every viewer, at the viewer's own pace."""

import asyncio

from services.console.broadcast import Broadcast


async def test_a_viewer_sees_the_newest_at_once_and_then_each_that_follows() -> None:
    broadcast = Broadcast()
    broadcast.publish("1")
    stream = broadcast.stream()
    seen = [await anext(stream)]
    following = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    broadcast.publish("2")
    assert [*seen, await following] == ["1", "2"]


async def test_a_slow_viewer_misses_what_came_between() -> None:
    broadcast = Broadcast()
    broadcast.publish("1")
    stream = broadcast.stream()
    await anext(stream)
    for text in ("2", "3", "4"):
        broadcast.publish(text)
    assert await anext(stream) == "4"


async def test_all_viewers_see_the_same() -> None:
    broadcast = Broadcast()
    waiting = [asyncio.ensure_future(anext(broadcast.stream())) for _ in range(50)]
    await asyncio.sleep(0)
    broadcast.publish("1")
    assert await asyncio.gather(*waiting) == ["1"] * 50


async def test_who_comes_before_the_first_sample_waits_for_it() -> None:
    broadcast = Broadcast()
    newest = asyncio.ensure_future(broadcast.newest())
    await asyncio.sleep(0)
    broadcast.publish("1")
    assert await newest == "1"


async def test_closing_ends_every_stream_and_wait() -> None:
    broadcast = Broadcast()
    newest = asyncio.ensure_future(broadcast.newest())
    stream = asyncio.ensure_future(_all_of(broadcast))
    await asyncio.sleep(0)
    broadcast.close()
    assert await newest is None
    assert await stream == []


async def _all_of(broadcast: Broadcast) -> list[str]:
    return [text async for text in broadcast.stream()]
