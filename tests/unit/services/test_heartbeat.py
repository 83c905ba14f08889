"""For which messages the heartbeat beats, and when it is over."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest
import structlog

from services.heartbeat import Heartbeat
from services.in_hand import InHand
from services.sqs import Queue, ReceivedMessage


class BeatenQueue:
    """Notes each beat, and holds it back until it is let through."""

    def __init__(self) -> None:
        self.beats: asyncio.Queue[str] = asyncio.Queue()
        self.let_through = asyncio.Event()

    async def change_visibility(self, message: ReceivedMessage, _timeout_seconds: int) -> None:
        self.beats.put_nowait(message.message_id)
        await self.let_through.wait()


def in_hand(message_id: str) -> InHand:
    return InHand(ReceivedMessage(message_id, "", "", 1, 0, {}), 60)


@pytest.fixture
def queue() -> BeatenQueue:
    return BeatenQueue()


@pytest.fixture
async def heartbeat(queue: BeatenQueue) -> AsyncIterator[Heartbeat]:
    beating = Heartbeat(cast(Queue, queue), interval_seconds=0.001, visibility_timeout_seconds=60)
    task = asyncio.create_task(beating.run())
    yield beating
    task.cancel()


async def test_it_beats_for_what_is_held_and_for_nothing_that_was_let_go(
    queue: BeatenQueue, heartbeat: Heartbeat
) -> None:
    queue.let_through.set()
    kept, released = in_hand("kept"), in_hand("released")
    heartbeat.hold(kept)
    heartbeat.hold(released)
    assert {await queue.beats.get(), await queue.beats.get()} == {"kept", "released"}

    await heartbeat.let_go(released)
    while not queue.beats.empty():
        queue.beats.get_nowait()

    assert [await queue.beats.get() for _ in range(5)] == ["kept"] * 5


async def test_it_beats_in_the_order_in_which_messages_came(queue: BeatenQueue, heartbeat: Heartbeat) -> None:
    message_ids = [f"message-{number}" for number in range(50)]
    for message_id in message_ids:
        heartbeat.hold(in_hand(message_id))

    assert [await queue.beats.get() for _ in message_ids] == message_ids


async def test_a_beat_that_fails_is_logged_with_its_task(
    queue: BeatenQueue, heartbeat: Heartbeat, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: asyncio.Queue[object] = asyncio.Queue()

    async def fail(_message: ReceivedMessage, _timeout_seconds: int) -> None:
        told.put_nowait(structlog.contextvars.get_contextvars())
        raise ConnectionError

    monkeypatch.setattr(queue, "change_visibility", fail)
    message = in_hand("message")
    message.context.run(structlog.contextvars.bind_contextvars, task_id="task-1")
    heartbeat.hold(message)

    assert await told.get() == {"task_id": "task-1"}


async def test_who_lets_go_waits_for_the_beat_under_way_and_no_other_follows(
    queue: BeatenQueue, heartbeat: Heartbeat
) -> None:
    message = in_hand("message")
    heartbeat.hold(message)
    await queue.beats.get()

    letting_go = asyncio.create_task(heartbeat.let_go(message))
    other = in_hand("other")
    heartbeat.hold(other)
    assert await queue.beats.get() == "other"
    assert not letting_go.done()

    queue.let_through.set()
    await letting_go
    assert {await queue.beats.get() for _ in range(3)} == {"other"}
