"""A clock that jumps to the next timer."""

import asyncio
import time

import pytest

from bench.scaling.virtual_time import run_in_virtual_time


def test_a_day_of_timers_passes_in_order_and_at_once() -> None:
    async def wait_in_parallel() -> list[tuple[str, float]]:
        loop = asyncio.get_running_loop()
        woken: list[tuple[str, float]] = []

        async def wait(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            woken.append((name, loop.time()))

        await asyncio.gather(wait("long", 86_400), wait("short", 0.5), wait("middle", 60))
        return woken

    begun = time.process_time()
    woken = run_in_virtual_time(wait_in_parallel())
    assert [name for name, _ in woken] == ["short", "middle", "long"]
    assert [moment for _, moment in woken] == pytest.approx([0.5, 60, 86_400])
    assert time.process_time() - begun < 60


def test_a_wait_that_nothing_can_end_is_an_error() -> None:
    async def wait_for_nothing() -> None:
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="no timer is left"):
        run_in_virtual_time(wait_for_nothing())
