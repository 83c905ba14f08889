"""How a receiver is kept from taking every slot."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from services.delivery.host_slots import HostBusyError, HostSlots
from tests.virtual_time import in_virtual_time


@asynccontextmanager
async def occupied(slots: HostSlots, host: str, count: int) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for _ in range(count):
            await stack.enter_async_context(slots.slot(host))
        yield


async def time_out(slots: HostSlots, host: str) -> None:
    with pytest.raises(TimeoutError):
        async with slots.slot(host):
            raise TimeoutError


def passed_seconds() -> float:
    """How long the test has taken, in virtual time."""
    return asyncio.get_running_loop().time()


@in_virtual_time
async def test_a_host_that_has_its_share_gets_no_more_and_the_others_do() -> None:
    slots = HostSlots(2)
    async with occupied(slots, "slow", 2):
        with pytest.raises(HostBusyError, match="its answers to 2 other callbacks are awaited"):
            await slots.slot("slow").__aenter__()
        assert passed_seconds() == 2
        async with occupied(slots, "other", 2):
            pass


@in_virtual_time
async def test_who_waits_gets_the_slot_that_becomes_free() -> None:
    slots = HostSlots(1)
    entered = asyncio.Event()

    async def enter() -> None:
        async with slots.slot("host"):
            entered.set()

    async with slots.slot("host"):
        waiting = asyncio.create_task(enter())
        await asyncio.sleep(1.9)
        assert not entered.is_set()
    await waiting
    assert entered.is_set()


@in_virtual_time
async def test_a_host_that_timed_out_is_asked_by_one_at_a_time_and_the_others_are_refused_at_once() -> None:
    slots = HostSlots(5)
    await time_out(slots, "host")

    async with slots.slot("host"):
        with pytest.raises(HostBusyError, match="it did not answer the callbacks before this one in time"):
            await slots.slot("host").__aenter__()
        assert passed_seconds() == 0
    async with occupied(slots, "host", 5):
        pass


@in_virtual_time
async def test_who_waits_for_a_host_that_times_out_is_refused() -> None:
    slots = HostSlots(2)
    async with slots.slot("host"):
        answer = asyncio.Event()

        async def hang() -> None:
            async with slots.slot("host"):
                await answer.wait()
                raise TimeoutError

        hanging = asyncio.create_task(hang())
        await asyncio.sleep(0)
        waiting = asyncio.create_task(slots.slot("host").__aenter__())
        await asyncio.sleep(0)
        answer.set()
        with pytest.raises(TimeoutError):
            await hanging
        with pytest.raises(HostBusyError):
            await waiting
        assert passed_seconds() == 0


@pytest.mark.parametrize("error", [None, ValueError()])
@in_virtual_time
async def test_an_answer_ends_the_suspicion_a_refusal_too(error: Exception | None) -> None:
    slots = HostSlots(2)
    await time_out(slots, "host")

    try:
        async with slots.slot("host"):
            if error:
                raise error
    except ValueError:
        pass

    async with occupied(slots, "host", 2):
        pass


@in_virtual_time
async def test_no_more_unresponsive_hosts_are_remembered_than_fit() -> None:
    slots = HostSlots(2)
    for name in ["remembered", *map(str, range(9_999)), "one too many"]:
        await time_out(slots, name)

    async with slots.slot("remembered"), slots.slot("one too many"):
        with pytest.raises(HostBusyError):
            await slots.slot("remembered").__aenter__()
        async with slots.slot("one too many"):
            pass


@in_virtual_time
async def test_a_host_that_has_its_share_and_has_not_answered_for_long_is_not_waited_for() -> None:
    slots = HostSlots(1)
    async with slots.slot("host"):
        await asyncio.sleep(2.5)
        with pytest.raises(HostBusyError):
            await slots.slot("host").__aenter__()
        assert passed_seconds() == 2.5
