"""Spares the long polls of a queue on which nothing has come for hours, where all that comes is sent by its consumer.

A poll that waits is billed every 20 seconds. Who sends ends the rest, so that nothing waits for it but what another
process has left behind.
"""

import asyncio
from contextlib import suppress

IDLE_AFTER_SECONDS = 7200.0
"""Longer than a message is hidden, unless VISIBILITY_TIMEOUT_SECONDS is: what comes back finds a poll."""

REST_SECONDS = 300.0


class IdleRest:
    """The rests between the polls of one queue."""

    def __init__(self) -> None:
        self._ended = asyncio.Event()
        self._first_found_empty_at: float | None = None
        self.is_under_way = False
        """Whether there is no poll, as none is to be."""

    def end(self) -> None:
        """Poll again: something was sent. Where no rest is under way, the next one is none."""
        self._ended.set()

    async def take(self, last_message_at: float) -> None:
        """Rest behind a poll that found nothing, if nothing has come for long; the time is one of the loop's clock."""
        now = asyncio.get_running_loop().time()
        if self._first_found_empty_at is None:
            self._first_found_empty_at = now
        if now - max(self._first_found_empty_at, last_message_at) < IDLE_AFTER_SECONDS:
            return
        self.is_under_way = True
        with suppress(TimeoutError):
            async with asyncio.timeout(REST_SECONDS):
                await self._ended.wait()
        self.is_under_way = False
        self._ended.clear()
