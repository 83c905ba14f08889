"""The HTTP server of a page: it says when it begins to stop, as an event stream never ends by itself."""

import asyncio
import socket

import uvicorn


class Server(uvicorn.Server):
    """A server that notifies the application when it begins to stop."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Notify the application, then stop."""
        self._stopping.set()
        await super().shutdown(sockets)
