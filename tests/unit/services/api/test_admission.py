"""Which requests for a task are let in: decided before their body is read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NoReturn

import httpx
import pytest
from fastapi import FastAPI

from services.api.app import create_app
from services.api.settings import ApiSettings
from services.messages import MAX_BODY_BYTES
from services.task_types.loading import load_task_types

CALCULATION = "/v1/calculation/basic"
TASK_TYPES = load_task_types(["services.tasks"])
ITEM = {"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 2}
REQUEST = {"callback_url": "http://receiver:9000/callback", "message": [ITEM]}
KEY, OTHER_KEY = "first-key-0123456789", "second-key-0123456789"
OVERLOADED = {"detail": "Too many tasks are waiting to be queued. The task was not accepted: send it again later."}


class SlowTaskQueue:
    """Confirms what it was given when it is let go."""

    max_body_bytes = MAX_BODY_BYTES

    def __init__(self) -> None:
        self.waiting: list[str] = []
        self.let_go = asyncio.Event()
        self._changed = asyncio.Condition()

    async def enqueue(self, task_id: str, _body: str, **_queued: Any) -> None:
        async with self._changed:
            self.waiting.append(task_id)
            self._changed.notify_all()
        await self.let_go.wait()
        self.waiting.remove(task_id)

    async def has_waiting(self, count: int) -> None:
        async with self._changed, asyncio.timeout(10):
            await self._changed.wait_for(lambda: len(self.waiting) >= count)


def make_app(queue: SlowTaskQueue | None = None, **settings: Any) -> FastAPI:
    app = create_app(ApiSettings(**settings), TASK_TYPES)
    app.state.task_queues = dict.fromkeys(TASK_TYPES, queue or SlowTaskQueue())
    return app


@asynccontextmanager
async def client_of(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client:
        yield client


async def status_without_body(app: FastAPI, **headers: str) -> int:
    """The answer to a request whose body must not be read."""

    async def never_read() -> NoReturn:
        raise AssertionError("the body was read")

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    named = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    raw = [(name.encode(), value.encode()) for name, value in named.items()]
    scope = {"type": "http", "method": "POST", "path": CALCULATION, "query_string": b"", "headers": raw, "app": app}
    await app(scope, never_read, send)
    return int(sent[0]["status"])


async def test_as_many_tasks_wait_as_may_and_one_more_is_answered_503() -> None:
    queue = SlowTaskQueue()
    async with client_of(make_app(queue, enqueue_max_pending=3)) as api:
        waiting = [asyncio.create_task(api.post(CALCULATION, json=REQUEST)) for _ in range(3)]
        await queue.has_waiting(3)

        refused = await api.post(CALCULATION, json=REQUEST)

        assert (refused.status_code, refused.json()) == (503, OVERLOADED)
        assert refused.headers["retry-after"] == "1"
        queue.let_go.set()
        assert [answer.status_code for answer in await asyncio.gather(*waiting)] == [200, 200, 200]
        assert (await api.post(CALCULATION, json=REQUEST)).status_code == 200


async def test_all_task_types_share_the_places() -> None:
    queue = SlowTaskQueue()
    async with client_of(make_app(queue, enqueue_max_pending=1)) as api:
        waiting = asyncio.create_task(api.post(CALCULATION, json=REQUEST))
        await queue.has_waiting(1)
        assert (await api.post("/v1/data/from-api", json={})).status_code == 503
        queue.let_go.set()
        await waiting


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"callback_url": 1}'])
async def test_a_task_that_is_refused_gives_its_place_back(content: bytes) -> None:
    async with client_of(make_app(enqueue_max_pending=1)) as api:
        for _ in range(3):
            answer = await api.post(CALCULATION, content=content, headers={"content-type": "application/json"})
            assert answer.status_code == 422


async def test_a_client_that_gives_up_gives_its_place_back() -> None:
    queue = SlowTaskQueue()
    async with client_of(make_app(queue, enqueue_max_pending=1)) as api:
        gives_up = asyncio.create_task(api.post(CALCULATION, json=REQUEST))
        await queue.has_waiting(1)
        gives_up.cancel()
        await asyncio.wait({gives_up})
        queue.let_go.set()
        assert (await api.post(CALCULATION, json=REQUEST)).status_code == 200


async def test_tasks_that_wait_are_bounded_in_bytes_too() -> None:
    queue = SlowTaskQueue()
    app = make_app(queue, enqueue_max_pending_bytes=1_048_576)
    async with client_of(app) as api:
        large = [ITEM | {"name": "x" * 200}] * 50
        waiting = asyncio.create_task(api.post(CALCULATION, json={**REQUEST, "message": large}))
        await queue.has_waiting(1)

        assert await status_without_body(app, content_length=str(MAX_BODY_BYTES)) == 503
        assert await status_without_body(app, transfer_encoding="chunked") == 503

        queue.let_go.set()
        assert (await waiting).status_code == 200


async def test_an_overloaded_api_reads_no_body() -> None:
    queue = SlowTaskQueue()
    app = make_app(queue, enqueue_max_pending=1)
    async with client_of(app) as api:
        waiting = asyncio.create_task(api.post(CALCULATION, json=REQUEST))
        await queue.has_waiting(1)
        assert await status_without_body(app, content_length="100") == 503
        assert (await api.get("/healthcheck")).status_code == 200
        queue.let_go.set()
        await waiting


async def test_a_task_that_can_never_be_taken_is_not_asked_to_come_back() -> None:
    app = make_app(enqueue_max_pending=1)
    assert await status_without_body(app, content_length=str(MAX_BODY_BYTES + 1)) == 413


@pytest.mark.parametrize("key", [KEY, OTHER_KEY])
async def test_each_of_the_keys_is_valid(key: str) -> None:
    queue = SlowTaskQueue()
    queue.let_go.set()
    async with client_of(make_app(queue, api_keys=[KEY, OTHER_KEY])) as api:
        assert (await api.post(CALCULATION, json=REQUEST, headers={"X-API-Key": key})).status_code == 200


@pytest.mark.parametrize("key", [None, "", KEY[:-1], KEY + "0", KEY.upper(), f"{KEY},{OTHER_KEY}", "caf\u00e9"])
async def test_any_other_key_is_answered_401(key: str | None) -> None:
    headers = {} if key is None else {"X-API-Key": key.encode("latin-1")}
    async with client_of(make_app(api_keys=[KEY, OTHER_KEY])) as api:
        answer = await api.post(CALCULATION, json=REQUEST, headers=headers)  # type: ignore[arg-type]  # bytes are taken
    assert answer.status_code == 401
    assert answer.json() == {"detail": "Send one of this service's API keys in the header X-API-Key."}
    assert answer.headers["www-authenticate"] == "APIKey"


async def test_no_body_is_read_without_a_valid_key() -> None:
    assert await status_without_body(make_app(api_keys=[KEY]), x_api_key=OTHER_KEY) == 401
    assert await status_without_body(make_app(api_keys=[KEY]), content_length="5000000") == 401


async def test_keys_are_needed_for_tasks_alone() -> None:
    async with client_of(make_app(api_keys=[KEY])) as api:
        for path in ("/", "/healthcheck", "/docs", "/redoc", "/openapi.json"):
            assert (await api.get(path)).status_code == 200


async def test_keys_are_documented_where_they_are_needed() -> None:
    async with client_of(make_app(api_keys=[KEY])) as api:
        document = (await api.get("/openapi.json")).json()
    operation = document["paths"][CALCULATION]["post"]
    [scheme] = document["components"]["securitySchemes"].items()
    assert scheme[1].items() >= {"type": "apiKey", "in": "header", "name": "X-API-Key"}.items()
    assert operation["security"] == [{scheme[0]: []}]
    assert "401" in operation["responses"]
    assert "security" not in document["paths"]["/readyz"]["get"]
    assert KEY not in str(document)


async def test_keys_are_not_documented_where_none_is_needed() -> None:
    async with client_of(make_app()) as api:
        document = (await api.get("/openapi.json")).json()
    assert "securitySchemes" not in document["components"]
    assert "security" not in document["paths"][CALCULATION]["post"]
    assert "401" not in document["paths"][CALCULATION]["post"]["responses"]
