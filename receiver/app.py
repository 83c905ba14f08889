"""The receiver's application."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline
from starlette.requests import ClientDisconnect

from receiver import callbacks, events, misbehaviour, page, slack, source
from receiver.broken_answers import DRIP_SECONDS
from receiver.exact_json import ExactJSONResponse
from receiver.misbehaviour import Standing
from receiver.security import SecurityMiddleware
from receiver.settings import Settings
from receiver.store import open_store
from receiver.token import TokenMiddleware
from web.docs import serve_docs
from web.head_requests import HeadMiddleware
from web.pages import mount_files

log = logging.getLogger("uvicorn.error")

MAX_BODY_BYTES = 64 * 1024 * 1024  # a larger body is answered 413, so that memory stays bounded

MOST_ERRORS = 100  # of a malformed request that are answered

DISK_ERRORS = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}  # primary codes, https://sqlite.org/rescode.html

DESCRIPTION = """\
The client's side of the system, for offline work: an inbox that keeps every callback delivery attempt and misbehaves
on demand, a stand-in for Slack's Web API, and a sample data source.
"""


def create_app(
    settings: Settings, *, token: str | None = None, can_stream: bool = True, max_body_bytes: int = MAX_BODY_BYTES
) -> FastAPI:
    """The application; its lifespan owns the database connection.

    `token`: what those have to give who read, empty or control the inbox, by whatever name of this machine's then.
    `can_stream`: whether an answer goes out while it is made, over a connection that can be reset.
    """

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
        max_body_size=max_body_bytes,
        redirect_slashes=False,
        docs_url=None,
    )
    serve_docs(app)
    app.add_middleware(HeadMiddleware)
    # A page to which a name of its own was bound has no cookie of this one.
    allowed_hosts = settings.receiver_allowed_hosts if token is None else None
    app.add_middleware(SecurityMiddleware, allowed_hosts=allowed_hosts)
    if token is not None:
        app.add_middleware(TokenMiddleware, token=token)
    app.state.settings = settings
    app.state.can_stream = can_stream
    app.state.stopping = asyncio.Event()
    app.state.standing = Standing()
    app.state.drip_seconds = DRIP_SECONDS
    for routes in (callbacks, events, misbehaviour, slack, source, page):
        app.include_router(routes.router)
    mount_files(app, page.STATIC)
    app.get("/healthcheck", summary="The process lives", tags=["health"])(healthcheck)
    app.exception_handler(RequestValidationError)(malformed)
    app.exception_handler(ClientDisconnect)(gone)
    app.exception_handler(sqlite3.OperationalError)(not_stored)
    return app


async def healthcheck() -> dict[str, str]:
    """Answer that the process lives."""
    return {"state": "healthy"}


async def malformed(_request: Request, error: Exception) -> Response:
    """Answer FastAPI's 422, bounded: without what was sent, which may be large, or what its own JSON cannot hold."""
    if not isinstance(error, RequestValidationError):
        raise error
    errors = [{name: details[name] for name in ("type", "loc", "msg")} for details in error.errors()[:MOST_ERRORS]]
    return ExactJSONResponse({"detail": errors}, HTTPStatus.UNPROCESSABLE_ENTITY)


async def gone(_request: Request, _error: Exception) -> Response:
    """Nobody hears this answer: the client left before its body had come, which is no error of ours."""
    return Response(status_code=400)


async def not_stored(_request: Request, error: Exception) -> Response:
    """Refuse what the disk has no room for (RFC 4918, section 11.5); a statement that fails leaves nothing behind."""
    if not isinstance(error, sqlite3.OperationalError) or error.sqlite_errorcode & 0xFF not in DISK_ERRORS:
        raise error
    log.error("Nothing can be stored: %s", error)
    return JSONResponse({"detail": f"Nothing was stored: {error}"}, HTTPStatus.INSUFFICIENT_STORAGE)
