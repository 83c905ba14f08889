"""Carries the plan out: each fault at its time, for as long as it lasts; behind it everything is as it was."""

import asyncio
import math
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx

from tests.chaos.chaos_stack import ChaosStack
from tests.chaos.faults import (
    Fault,
    ForeignMessages,
    Misbehaviour,
    ReceiverMisbehaves,
    ReceiverStopped,
    SlackRateLimited,
)
from tests.chaos.foreign_messages import foreign_messages
from tests.chaos.ledger import Ledger, SentForeign
from tests.chaos.plan import PlannedFault

_ORDERS: dict[Misbehaviour, dict[str, Any]] = {
    "500": {"status": 500},
    "429": {"status": 429, "retry_after": 2},
    "hang": {"hang": True},
    "close": {"close": True},
    "drip": {"drip": True},
}
_POLL_SECONDS = 0.2


class Saboteur:
    """Breaks what the plan says."""

    def __init__(self, stack: ChaosStack, ledger: Ledger, on_fault: Callable[[Fault], None]) -> None:
        self._stack = stack
        self._ledger = ledger
        self._on_fault = on_fault

    async def run(self, plan: Iterable[PlannedFault]) -> None:
        """Carry out all faults; returns when the last one is over."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for planned in plan:
                group.create_task(self._carry_out(planned, began))

    async def _carry_out(self, planned: PlannedFault, began: float) -> None:
        await asyncio.sleep(began + planned.begins_at - time.monotonic())
        self._on_fault(planned.fault)
        async with self._broken(planned.fault, planned.lasts):
            await asyncio.sleep(planned.lasts)

    def _broken(self, fault: Fault, lasts: float) -> AbstractAsyncContextManager[None]:
        """What breaks something on entry and, where it does not mend by itself, mends it on exit."""
        match fault:
            case ReceiverStopped():
                return self._receiver_stopped()
            case ReceiverMisbehaves(how):
                return self._ordered("/misbehaviour", {**_ORDERS[how], "seconds": lasts}, lasts)
            case SlackRateLimited(calls):
                return self._ordered("/slack/rate-limit", {"times": calls, "retry_after": 1}, _POLL_SECONDS)
            case ForeignMessages(queue):
                return self._foreign_sent(queue)
            case _:
                return self._stack.broken(fault)

    @asynccontextmanager
    async def _receiver_stopped(self) -> AsyncIterator[None]:
        await asyncio.to_thread(self._stack.stop_now, "receiver")
        try:
            yield
        finally:
            await asyncio.to_thread(self._stack.start_now, "receiver")

    @asynccontextmanager
    async def _ordered(self, path: str, order: dict[str, Any], seconds: float) -> AsyncIterator[None]:
        """Order it of the receiver, or try to until the time is over: it may be down itself just now."""
        async with httpx.AsyncClient(base_url=self._stack.receiver_url, timeout=1, trust_env=False) as client:
            for _ in range(math.ceil(seconds / _POLL_SECONDS)):
                if await _put(client, path, order):
                    break
                await asyncio.sleep(_POLL_SECONDS)
        yield

    @asynccontextmanager
    async def _foreign_sent(self, queue: str) -> AsyncIterator[None]:
        messages = foreign_messages(lambda: str(uuid.uuid4()), f"{self._stack.receiver_url_for_services}/callback")
        confirmed = await asyncio.to_thread(
            self._stack.send, queue, {message.marker: message.body for message in messages}
        )
        self._ledger.foreign += [SentForeign(queue, each) for each in messages if each.marker in confirmed]
        yield


async def _put(client: httpx.AsyncClient, path: str, order: dict[str, Any]) -> bool:
    try:
        (await client.put(path, json=order)).raise_for_status()
    except httpx.TransportError:
        return False
    return True
