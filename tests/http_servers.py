"""Fixtures for tests that call real HTTP servers on this machine."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest
from aiohttp import web

from services.http_client import open_http_client

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[Handler], AbstractAsyncContextManager[str]]


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """The client that callbacks and data sources are called with."""
    async with open_http_client(connections=20, connect_timeout_seconds=5) as client:
        yield client


@pytest.fixture
def serve() -> Serve:
    """Serve every path of a real HTTP server on a free port with one handler; gives its URL, without a slash."""

    @asynccontextmanager
    async def serving(handler: Handler) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            yield f"http://{host}:{port}"
        finally:
            await runner.cleanup()

    return serving


@pytest.fixture
async def closed_port() -> int:
    """A port of this machine on which nobody listens."""
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port
