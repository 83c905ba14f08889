"""What the API does with requests that do not come to an end, over real connections."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import uvicorn
from fastapi import FastAPI

from services.api.app import create_app
from services.api.settings import ApiSettings
from services.task_types.loading import load_task_types
from web import http_protocol
from web.http_protocol import MAX_BYTES_BESIDE_BODY, BoundedHttpProtocol

HEALTHCHECK = b"GET /healthcheck HTTP/1.1\r\nHost: api\r\n\r\n"
SUBMIT = (
    b"POST /v1/calculation/basic HTTP/1.1\r\nHost: api\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
)

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connected(app: FastAPI, sent: bytes = b"") -> AsyncIterator[Connection]:
    """A connection to the API on a real port; `sent` has come before the API takes it, and its time begins to run."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http=BoundedHttpProtocol, lifespan="off", ws="none", log_config=None)
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
    return create_app(ApiSettings(), load_task_types(["services.tasks"]))


async def answered(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """The head and the body of an answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().splitlines() if line.startswith(b"content-length:"))
    return head, await reader.readexactly(int(length.partition(b":")[2]))


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  # the server tells nobody
        await asyncio.sleep(0)


async def test_a_connection_is_kept_for_further_requests() -> None:
    async with connected(make_app()) as (reader, writer):
        for _ in range(3):
            writer.write(HEALTHCHECK)
            assert (await answered(reader))[1] == b'{"state":"healthy"}'


async def test_requests_that_come_at_once_are_answered_in_turn() -> None:
    async with connected(make_app()) as (reader, writer):
        writer.write(HEALTHCHECK * 100 + HEALTHCHECK[:20])
        for _ in range(100):
            await answered(reader)
        writer.write(HEALTHCHECK[20:])
        assert (await answered(reader))[1] == b'{"state":"healthy"}'


@pytest.mark.parametrize("begun", [b"", HEALTHCHECK[:-2], SUBMIT, SUBMIT + b'{"callback_url":'])
async def test_a_request_that_does_not_come_in_time_is_answered_408_and_its_connection_closed(
    begun: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(http_protocol, "REQUEST_TIMEOUT_SECONDS", 0.01)
    async with connected(make_app(), begun) as (reader, _):
        head, body = await answered(reader)
        assert head.startswith(b"HTTP/1.1 408 ")
        assert body == b'{"detail":"The request did not come as a whole in time."}'
        assert await reader.read() == b""
    assert not [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]


async def test_time_runs_anew_for_each_request(monkeypatch: pytest.MonkeyPatch) -> None:
    async with connected(make_app()) as (reader, writer):
        writer.write(HEALTHCHECK)
        assert (await answered(reader))[1] == b'{"state":"healthy"}'
        monkeypatch.setattr(http_protocol, "REQUEST_TIMEOUT_SECONDS", 0.01)
        writer.write(HEALTHCHECK[:-2])
        assert (await answered(reader))[0].startswith(b"HTTP/1.1 408 ")


async def test_a_request_that_came_as_a_whole_has_time_for_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "REQUEST_TIMEOUT_SECONDS", 0.001)
    app = make_app()

    @app.get("/slow")
    async def slow() -> str:
        await asyncio.sleep(0.05)
        return "done"

    async with connected(app, b"GET /slow HTTP/1.1\r\nHost: api\r\n\r\n") as (reader, _):
        assert (await answered(reader))[1] == b'"done"'


@pytest.mark.parametrize("repeated", [b"X-Header: value\r\n", b"value"])
async def test_a_head_that_is_too_large_is_answered_431(repeated: bytes) -> None:
    async with connected(make_app()) as (reader, writer):
        writer.write(HEALTHCHECK + HEALTHCHECK[:-2] + b"X-First: ")
        await answered(reader)
        writer.write(repeated * (MAX_BYTES_BESIDE_BODY // len(repeated) + 1))
        head, _ = await answered(reader)
        assert head.startswith(b"HTTP/1.1 431 ")
        assert await reader.read() == b""


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
