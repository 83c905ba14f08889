"""What a request costs, in what can be counted: requests to SQS, which bills and serves by them, and function calls."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI

from services.api.app import create_app
from services.api.enqueue import TaskQueue
from services.api.settings import ApiSettings
from services.messages import decode_task
from services.queueing.queue import Queue
from services.queues import define_queues
from services.task_types.loading import load_task_types
from tests.service_fixtures import without_collector

CALCULATION = "/v1/calculation/basic"
TASK_TYPES = load_task_types(["services.tasks"])
MOST_CALLS = 500
"""Of functions in Python and C, from the ASGI server to the answer. With the libraries of today there are 480, and 420
where the log's line is JSON, not readable as here; by way of FastAPI's routes there are 100 more."""

REQUEST = {
    "callback_url": "http://receiver:9000/callback",
    "message": [{"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 2}],
}


class FakeSqs:
    """An SQS client that takes everything, and counts."""

    def __init__(self) -> None:
        self.meta = SimpleNamespace(endpoint_url="http://sqs")
        self.look_ups = 0
        self.batches: list[Sequence[Any]] = []

    async def get_queue_url(self, **_name: str) -> dict[str, str]:
        self.look_ups += 1
        return {"QueueUrl": "http://sqs/calculation"}

    async def send_message_batch(self, *, QueueUrl: str, Entries: Sequence[Any]) -> dict[str, Any]:  # noqa: N803  # botocore's names
        assert QueueUrl == "http://sqs/calculation"
        self.batches.append(Entries)
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}

    @property
    def task_ids(self) -> list[str]:
        return [decode_task(entry["MessageBody"]).task_id for batch in self.batches for entry in batch]


@pytest.fixture
def sqs() -> FakeSqs:
    return FakeSqs()


def make_app(sqs: FakeSqs) -> FastAPI:
    app = create_app(ApiSettings(), TASK_TYPES)
    definitions = define_queues(TASK_TYPES)
    queue, dead_letter_queue = (
        Queue(cast("Any", sqs), definitions[name]) for name in ("calculation", "calculation-dlq")
    )
    app.state.task_queues = {"calculation": TaskQueue(queue, dead_letter_queue, timeout_seconds=60)}
    return app


@pytest.fixture
async def api(sqs: FakeSqs) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(make_app(sqs)), base_url="http://api") as client:
        yield client


async def post_directly(app: FastAPI) -> None:
    """A request as a server hands it over, without a client's own cost."""
    body = json.dumps(REQUEST).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    scope = {"type": "http", "method": "POST", "path": CALCULATION, "query_string": b"", "headers": headers, "app": app}
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    assert sent[0]["status"] == 200


async def submit(api: httpx.AsyncClient) -> str:
    response = await api.post(CALCULATION, json=REQUEST)
    return str(response.json()["task_id"])


async def test_64_requests_at_once_take_7_batches(api: httpx.AsyncClient, sqs: FakeSqs) -> None:
    task_ids = await asyncio.gather(*(submit(api) for _ in range(64)))

    assert [len(batch) for batch in sqs.batches] == [10] * 6 + [4]
    assert sorted(sqs.task_ids) == sorted(task_ids)


async def test_a_task_takes_no_request_beside_its_batch(api: httpx.AsyncClient, sqs: FakeSqs) -> None:
    for _ in range(3):
        await submit(api)

    assert (sqs.look_ups, len(sqs.batches)) == (1, 3)


async def test_a_request_that_is_alone_waits_for_no_company(
    api: httpx.AsyncClient, sqs: FakeSqs, monkeypatch: pytest.MonkeyPatch
) -> None:
    lingers: list[float] = []
    monkeypatch.setattr(asyncio.get_running_loop(), "call_later", lambda delay, *_: lingers.append(delay))

    await submit(api)

    assert lingers == []
    assert len(sqs.batches) == 1


async def test_a_valid_request_goes_past_the_dependencies_of_fastapi(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(**_arguments: Any) -> None:
        raise AssertionError("they were solved")

    monkeypatch.setattr("fastapi.routing.solve_dependencies", never)

    assert await submit(api)


async def test_a_request_takes_few_function_calls(sqs: FakeSqs) -> None:
    app = make_app(sqs)
    for _ in range(3):
        await post_directly(app)
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    with without_collector():
        sys.setprofile(count)
        try:
            await post_directly(app)
        finally:
            sys.setprofile(None)

    assert calls <= MOST_CALLS
