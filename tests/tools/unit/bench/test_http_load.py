"""The load generator, over real connections."""

import asyncio
from collections import Counter

import pytest
from aiohttp import web
from yarl import URL

from bench.http_load import Load, LoadError, run_load
from tests.service_fixtures import Serve


def load(url: str, connections: int = 3) -> Load:
    return Load(URL(url).port or 0, "/tasks", '{"name":"é"}', connections, seconds=1, warm_up_seconds=0)


async def test_every_request_is_the_one_that_was_asked_for_and_every_answer_is_counted(serve: Serve) -> None:
    seen: Counter[tuple[str, str, object]] = Counter()

    async def answer(request: web.Request) -> web.Response:
        seen[request.path, request.content_type, (await request.json())["name"]] += 1
        return web.Response(status=503 if seen.total() == 1 else 200)

    async with serve(answer) as url:
        result = await run_load(load(url))

    [(request, count)] = seen.items()
    assert request == ("/tasks", "application/json", "é")
    assert result.statuses == {"200": count - 1, "503": 1}
    assert 0 < result.requests <= count
    assert 0 < result.p50_ms <= result.p95_ms <= result.p99_ms


async def test_each_connection_has_one_request_under_way(serve: Serve) -> None:
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

    async with serve(answer) as url:
        await run_load(load(url, connections=5))

    assert (most, len(connections)) == (5, 5)


async def test_what_a_lost_connection_spoils_is_no_result(serve: Serve) -> None:
    async def hang_up(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with serve(hang_up) as url:
        with pytest.raises(LoadError, match="closed a connection"):
            await run_load(load(url))
