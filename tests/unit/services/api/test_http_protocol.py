"""What the API does with a request that does not come to an end; tests/unit/web has how all our servers take HTTP."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
import uvicorn
from fastapi import FastAPI

from services.api.app import create_app
from services.api.settings import ApiSettings
from services.messages import MAX_BODY_BYTES
from services.task_types.loading import load_task_types
from web.http_protocol import BoundedHttpProtocol

SUBMIT = (
    b"POST /v1/calculation/basic HTTP/1.1\r\nHost: api\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
)

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connected(
    app: FastAPI, sent: bytes = b"", http: type[BoundedHttpProtocol] = BoundedHttpProtocol
) -> AsyncIterator[Connection]:
    """A connection to the API on a real port; `sent` has come before the API takes it, and its time begins to run."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http=http, lifespan="off", ws="none", log_config=None)
    server = uvicorn.Server(config)
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    writer.write(sent)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield reader, writer
    finally:
        writer.close()
        server.should_exit = True
        await serving


def make_app() -> FastAPI:
    app = create_app(ApiSettings(), load_task_types(["services.tasks"]))
    app.state.task_queues = {"calculation": SimpleNamespace(max_body_bytes=MAX_BODY_BYTES)}
    return app


async def answered(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """The head and the body of an answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().splitlines() if line.startswith(b"content-length:"))
    return head, await reader.readexactly(int(length.partition(b":")[2]))


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  # nothing announces it
        await asyncio.sleep(0)


async def test_a_client_that_leaves_before_its_body_came_is_no_error_of_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = make_app()
    async with connected(app) as (_, writer):
        writer.write(SUBMIT + b"{")
        await writer.drain()
        async with asyncio.timeout(10):
            await until(lambda: app.state.pending_tasks.count == 1)
            writer.transport.abort()
            await until(lambda: app.state.pending_tasks.count == 0)
    assert not [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]
