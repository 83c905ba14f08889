"""Sends any number of viewers the newest state: who is slow misses what came between, and holds nobody up."""

import asyncio
from collections.abc import AsyncIterator


class Broadcast:
    """The newest text, and the wait for a newer one."""

    def __init__(self) -> None:
        self._newest: str | None = None
        self._newer = asyncio.Event()
        self._is_closed = False

    def publish(self, text: str) -> None:
        """Put the text in the place of the one before."""
        self._newest = text
        self._wake()

    def close(self) -> None:
        """End every viewer's stream."""
        self._is_closed = True
        self._wake()

    async def newest(self) -> str | None:
        """Return the newest text, as soon as there is one; None where it is closed before."""
        while self._newest is None and not self._is_closed:
            await self._newer.wait()
        return self._newest

    async def stream(self) -> AsyncIterator[str]:
        """Give the newest text, and from then on each one that is the newest when the viewer comes for it."""
        seen: str | None = None
        while not self._is_closed:
            newer = self._newer
            if self._newest is not None and self._newest is not seen:
                seen = self._newest
                yield seen
            else:
                await newer.wait()

    def _wake(self) -> None:
        self._newer.set()
        self._newer = asyncio.Event()
