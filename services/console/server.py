"""The HTTP server as the console needs it: one that tells when it begins to stop, as an event stream never ends."""

import asyncio
import socket

import uvicorn
from fastapi import FastAPI

from services.settings import ConsoleSettings

STOP_SECONDS = 6
"""What requests under way may still take: a look into a queue ends its long poll, and gives back what it holds."""


class Server(uvicorn.Server):
    """A server that tells the application when it begins to stop."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell the application, then stop."""
        self._stopping.set()
        await super().shutdown(sockets)


def make_server(app: FastAPI, settings: ConsoleSettings) -> Server:
    """Return a server for the console's application."""
    config = uvicorn.Config(
        app,
        host=settings.console_host,
        port=settings.console_port,
        loop="uvloop",
        lifespan="on",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    return Server(config, app.state.stopping)
