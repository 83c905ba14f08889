"""The HTTP server as the console needs it."""

import uvicorn
from fastapi import FastAPI

from services.console.settings import ConsoleSettings
from web.http_protocol import BoundedHttpProtocol
from web.server import Server

STOP_SECONDS = 6
"""What requests under way may still take: a look into a queue ends its long poll, and gives back what it holds."""


def make_server(app: FastAPI, settings: ConsoleSettings) -> Server:
    """Return a server for the console's application."""
    config = uvicorn.Config(
        app,
        host=settings.console_host,
        port=settings.console_port,
        loop="uvloop",
        http=BoundedHttpProtocol,
        lifespan="on",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    return Server(config, app.state.stopping)
