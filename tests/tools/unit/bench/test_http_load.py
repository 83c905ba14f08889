"""The load generator, over real connections."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from bench.http_load import Load, LoadError, run_load

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[int]:
    """Serve every POST with the handler on a free port."""
    app = web.Application()
    app.router.add_post("/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def load(port: int, connections: int = 3) -> Load:
    return Load(port, "/tasks", '{"name":"é"}', connections, seconds=1, warm_up_seconds=0)


async def test_every_request_is_the_one_that_was_asked_for_and_every_answer_is_counted() -> None:
    seen: Counter[tuple[str, str, object]] = Counter()

    async def answer(request: web.Request) -> web.Response:
        seen[request.path, request.content_type, (await request.json())["name"]] += 1
        return web.Response(status=503 if seen.total() == 1 else 200)

    async with serving(answer) as port:
        result = await run_load(load(port))

    [(request, count)] = seen.items()
    assert request == ("/tasks", "application/json", "é")
    assert result.statuses == {"200": count - 1, "503": 1}
    assert 0 < result.requests <= count
    assert 0 < result.p50_ms <= result.p95_ms <= result.p99_ms


async def test_each_connection_has_one_request_under_way() -> None:
    under_way = most = 0
    connections: set[object] = set()

    async def answer(request: web.Request) -> web.Response:
        nonlocal under_way, most
        connections.add(request.transport)
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1
        return web.Response()

    async with serving(answer) as port:
        await run_load(load(port, connections=5))

    assert (most, len(connections)) == (5, 5)


async def test_what_a_lost_connection_spoils_is_no_result() -> None:
    async def hang_up(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with serving(hang_up) as port:
        with pytest.raises(LoadError, match="closed a connection"):
            await run_load(load(port))
