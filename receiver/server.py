"""The HTTP server as the receiver needs it: one whose connections can be reset."""

import asyncio
import socket
import struct
from functools import partial
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from receiver.broken_answers import RESET
from web.http_protocol import BoundedHttpProtocol
from web.server import Server

STOP_SECONDS = 3  # what requests under way may still take once the receiver is asked to stop

_LINGER_NOT = struct.pack("ii", 1, 0)  # on, for 0 seconds: closing sends RST instead of FIN (socket(7))


class ResettableProtocol(BoundedHttpProtocol):
    """HTTP/1.1 that gives the application a way to reset its connection, which ASGI has none for."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Take the connection."""
        super().connection_made(transport)
        app, reset = self.app, partial(_reset, transport)

        async def with_reset(scope: Scope, receive: Receive, send: Send) -> None:
            scope["extensions"] = {RESET: reset}
            await app(scope, receive, send)

        self.app = with_reset


def make_server(app: FastAPI, **config: Any) -> Server:
    """Return a server for the receiver's application; `config` is further configuration of uvicorn's."""
    return Server(
        uvicorn.Config(
            app,
            http=ResettableProtocol,
            access_log=False,  # the inbox is the record of what came
            lifespan="on",
            timeout_graceful_shutdown=STOP_SECONDS,
            ws="none",
            **config,
        ),
        app.state.stopping,
    )


async def _reset(transport: asyncio.Transport) -> None:
    """Close the connection with a reset, behind what has been written to it."""
    while transport.get_write_buffer_size() and not transport.is_closing():  # noqa: ASYNC110  # nobody says when
        await asyncio.sleep(0)
    if not transport.is_closing():
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    transport.abort()
