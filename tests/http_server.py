"""A real HTTP server on a free port of this machine, below aiohttp's applications: one function answers all."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web


@asynccontextmanager
async def serving(
    answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
    *,
    on_connection: Callable[[], None] = lambda: None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[str]:
    """Answer requests inside the block; gives the URL, without a slash."""
    server = web.Server(answer)

    def accept() -> asyncio.Protocol:
        on_connection()
        return server()

    listener = await asyncio.get_running_loop().create_server(accept, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    finally:
        listener.close()
        await server.shutdown(0.1)
        await listener.wait_closed()
