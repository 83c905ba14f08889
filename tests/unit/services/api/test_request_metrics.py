"""What the API counts of the requests for tasks."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.api.app import create_app
from services.api.enqueue import EnqueueError
from services.api.settings import ApiSettings
from services.messages import MAX_BODY_BYTES
from services.task_types.loading import load_task_types
from tests.service_fixtures import Growth
from tests.unit.services.api.test_http_protocol import SUBMIT, answered, connected
from web.http_protocol import BoundedHttpProtocol

CALCULATION = "/v1/calculation/basic"
TASK_TYPES = load_task_types(["services.tasks"])
KEY = "a-key-of-the-service"
ITEM = {"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 2}
REQUEST = {"callback_url": "http://receiver:9000/callback", "message": [ITEM]}


class FakeTaskQueue:
    """Takes everything, or raises."""

    max_body_bytes = MAX_BODY_BYTES

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    async def enqueue(self, _task_id: str, _body: str, **_queued: Any) -> None:
        if self._error is not None:
            raise self._error


def make_app(error: Exception | None = None, **settings: Any) -> FastAPI:
    app = create_app(ApiSettings(**settings), TASK_TYPES)
    app.state.task_queues = dict.fromkeys(TASK_TYPES, FakeTaskQueue(error))
    return app


def overloaded() -> FastAPI:
    app = make_app(enqueue_max_pending=1)
    app.state.pending_tasks.count = 1
    return app


async def post(app: FastAPI, **request: Any) -> int:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        return (await client.post(CALCULATION, **request)).status_code


async def test_a_task_that_is_queued_is_accepted() -> None:
    growth = Growth.begin()

    assert await post(make_app(), json=REQUEST) == 200

    assert growth.of("async_tasks_accepted_total", task_type="calculation") == 1
    assert growth.of("async_tasks_http_request_seconds_count", task_type="calculation") == 1


@pytest.mark.parametrize(
    ("status", "make", "request_"),
    [
        (401, lambda: make_app(api_keys=[KEY]), {"json": REQUEST}),
        (413, make_app, {"content": b" " * (MAX_BODY_BYTES + 1)}),
        (422, make_app, {"json": {"message": []}}),
        (422, make_app, {"json": REQUEST, "headers": {"Idempotency-Key": ""}}),
        (500, lambda: make_app(EnqueueError()), {"json": REQUEST}),
        (500, lambda: make_app(RuntimeError("unforeseen")), {"json": REQUEST}),
        (503, overloaded, {"json": REQUEST}),
    ],
)
async def test_a_request_that_is_not_accepted_is_counted_by_its_status(
    status: int, make: Callable[[], FastAPI], request_: dict[str, Any]
) -> None:
    app = make()
    growth = Growth.begin()

    assert await post(app, **request_) == status

    assert growth.of("async_tasks_refused_total", task_type="calculation", status=str(status)) == 1
    assert growth.of("async_tasks_accepted_total", task_type="calculation") == 0
    assert growth.of("async_tasks_http_request_seconds_count", task_type="calculation") == 1


class ImpatientHttpProtocol(BoundedHttpProtocol):
    request_timeout_seconds = 0.01


async def test_a_request_that_does_not_come_in_time_is_counted_as_the_408_that_it_is_answered() -> None:
    app = make_app()
    growth = Growth.begin()

    async with connected(app, SUBMIT + b'{"callback_url":', ImpatientHttpProtocol) as (reader, _):
        assert (await answered(reader))[0].startswith(b"HTTP/1.1 408 ")
        async with asyncio.timeout(10):
            while app.state.pending_tasks.count:  # noqa: ASYNC110  # nothing announces it
                await asyncio.sleep(0)

    assert growth.of("async_tasks_refused_total", task_type="calculation", status="408") == 1
