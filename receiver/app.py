"""The receiver's application."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi_offline import FastAPIOffline
from starlette.requests import ClientDisconnect

from receiver import callbacks, misbehaviour, page, slack, source
from receiver.misbehaviour import Standing
from receiver.settings import Settings
from receiver.store import open_store

MAX_BODY_BYTES = 64 * 1024 * 1024  # a larger body is answered 413, so that memory stays bounded

DESCRIPTION = """\
The client's side of the system, for offline work: an inbox that keeps every callback delivery attempt and can be told
to misbehave, a stand-in for Slack's Web API, and a sample data source.
"""


def create_app(settings: Settings) -> FastAPI:
    """The application; its lifespan owns the database connection."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_store(settings.receiver_database) as store:
            app.state.store = store
            yield

    app = FastAPIOffline(
        title="Receiver",
        description=DESCRIPTION,
        version="1",
        lifespan=lifespan,
        max_body_size=MAX_BODY_BYTES,
    )
    app.state.settings = settings
    app.state.stopping = asyncio.Event()
    app.state.standing = Standing()
    for routes in (callbacks, misbehaviour, slack, source, page):
        app.include_router(routes.router)
    app.get("/healthcheck", summary="The process lives", tags=["health"])(healthcheck)
    app.exception_handler(ClientDisconnect)(gone)
    return app


async def healthcheck() -> dict[str, str]:
    """Answer that the process lives."""
    return {"state": "healthy"}


async def gone(_request: Request, _error: Exception) -> Response:
    """Nobody hears this answer: the client left before its body had come, which is no error of ours."""
    return Response(status_code=400)
