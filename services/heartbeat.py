"""Keeps the messages in hand hidden for as long as they are being worked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from services.sqs import Queue, ReceivedMessage

log = structlog.get_logger(__name__)


class Heartbeat:
    """Extends the visibility of all held messages every `interval_seconds`, in batches."""

    def __init__(self, queue: Queue, *, interval_seconds: float, visibility_timeout_seconds: int) -> None:
        self._queue = queue
        self._interval_seconds = interval_seconds
        self._visibility_timeout_seconds = visibility_timeout_seconds
        self._held: dict[str, ReceivedMessage] = {}
        self._beats: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            await asyncio.sleep(self._interval_seconds)
            for handle, message in self._held.items():
                # A beat that is still on its way needs no second one behind it.
                if handle not in self._beats:
                    self._beats[handle] = asyncio.create_task(self._beat(message))

    @asynccontextmanager
    async def holding(self, message: ReceivedMessage) -> AsyncIterator[None]:
        """Keep the message hidden inside the block.

        Behind it no beat for the message is under way any more: a late one would overwrite the wait of a retry.
        """
        self._held[message.receipt_handle] = message
        try:
            yield
        finally:
            del self._held[message.receipt_handle]
            beat = self._beats.get(message.receipt_handle)
            if beat is not None:
                await asyncio.wait({beat})

    async def _beat(self, message: ReceivedMessage) -> None:
        try:
            await self._queue.change_visibility(message, self._visibility_timeout_seconds)
        except Exception as error:  # noqa: BLE001  # the next beat may succeed; the work goes on either way
            log.warning("heartbeat failed", message_id=message.message_id, error=repr(error))
        finally:
            self._beats.pop(message.receipt_handle, None)
