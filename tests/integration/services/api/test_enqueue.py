"""How the API puts tasks on their queue: a real LocalStack, and brokers that fail in every way."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from aiohttp import web
from pydantic import HttpUrl
from structlog.testing import capture_logs

from services.api.app import create_app
from services.api.enqueue import EnqueueError, TaskQueue
from services.api.settings import ApiSettings
from services.messages import decode_task
from services.queueing.client import open_sqs
from services.queueing.queue import Queue
from services.queues import define_queues
from services.task_types.loading import load_task_types
from tests.integration.services.conftest import Broker
from tests.service_fixtures import Serve

REQUEST = {
    "callback_url": "http://receiver/callback",
    "message": [{"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 2}],
}
LONGER_THAN_ANYTHING_TAKES = 60
MOST_UNDER_WAY = 80
"""Eight batches of ten: what more comes waits for one of them."""
COULD_NOT_BE_QUEUED = {"detail": "Request processing failed due to an internal error."}


@asynccontextmanager
async def api_with(**settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    settings = {"enqueue_timeout_seconds": LONGER_THAN_ANYTHING_TAKES} | settings
    app = create_app(ApiSettings(**settings), load_task_types(["services.tasks"]))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client,
    ):
        yield client


async def submit(api: httpx.AsyncClient, request: Any = REQUEST) -> httpx.Response:
    return await api.post("/v1/calculation/basic", json=request)


async def cause_of_500(url: str, **settings: Any) -> str:
    """Submit a task to a broker that fails; the answer is the contract's, and the log has the cause."""
    async with api_with(aws_endpoint_url=HttpUrl(url), **settings) as api:
        with capture_logs() as logs:
            response = await submit(api)
    assert (response.status_code, response.json()) == (500, COULD_NOT_BE_QUEUED)
    [entry] = [entry for entry in logs if entry["event"] == "task could not be queued"]
    assert (entry["log_level"], entry["queue"]) == ("error", "calculation")
    return str(entry["cause"])


async def test_an_accepted_task_is_on_its_queue(broker: Broker) -> None:
    async with api_with(**broker.environment) as api:
        response = await submit(api)
        assert (await api.get("/readyz")).status_code == 200

    [message] = await broker.take("calculation")
    task = decode_task(message.body)
    assert response.status_code == 200
    assert (task.task_id, task.task_type, task.request) == (response.json()["task_id"], "calculation", REQUEST)


async def test_each_of_many_concurrent_tasks_is_on_its_queue_once(broker: Broker) -> None:
    async with api_with(**broker.environment) as api:
        responses = await asyncio.gather(*(submit(api) for _ in range(100)))

    messages = await broker.take("calculation", 100)
    accepted = [response.json()["task_id"] for response in responses]
    assert sorted(decode_task(message.body).task_id for message in messages) == sorted(accepted)
    assert await broker.in_queue("calculation") == (0, 0)


async def test_a_queue_that_is_not_there_is_a_500_until_it_is_made(unprovisioned: Broker) -> None:
    async with api_with(**unprovisioned.environment) as api:
        assert (await submit(api)).status_code == 500
        readiness = await api.get("/readyz")
        assert readiness.status_code == 503
        assert "NonExistentQueue" in readiness.json()["queues"]["calculation"]

        for name in ("undelivered", "calculation-dlq", "calculation"):
            await unprovisioned.create(name)
        assert (await submit(api)).status_code == 200


async def test_a_broker_that_is_not_there_is_a_500(closed_port: int) -> None:
    assert "EndpointConnectionError" in await cause_of_500(f"http://127.0.0.1:{closed_port}")


async def test_a_broker_that_never_answers_is_a_500() -> None:
    over = asyncio.Event()

    async def never_answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    server = await asyncio.start_server(never_answer, "127.0.0.1", 0)
    try:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert await cause_of_500(url, enqueue_timeout_seconds=1) == "no confirmation within 1 seconds"
    finally:
        over.set()
        server.close()
        await server.wait_closed()


Answer = Callable[[str, dict[str, Any]], Awaitable[web.Response]]


def broker_that(answer: Answer) -> Callable[[web.Request], Awaitable[web.Response]]:
    """An SQS endpoint that knows each queue's URL and leaves all else to `answer`, given the action and its JSON."""

    async def handle(request: web.Request) -> web.Response:
        action = request.headers["x-amz-target"].removeprefix("AmazonSQS.")
        if action == "GetQueueUrl":
            return web.json_response({"QueueUrl": str(request.url)})
        return await answer(action, await request.json())

    return handle


async def test_an_entry_that_the_broker_refuses_fails_its_own_request_alone(serve: Serve) -> None:
    async def refuse_the_marked(_action: str, batch: dict[str, Any]) -> web.Response:
        refused = [entry["Id"] for entry in batch["Entries"] if "refuse-me" in entry["MessageBody"]]
        taken = [{"Id": e["Id"], "MessageId": "m", "MD5OfMessageBody": ""} for e in batch["Entries"]]
        return web.json_response(
            {
                "Successful": [entry for entry in taken if entry["Id"] not in refused],
                "Failed": [{"Id": each, "SenderFault": True, "Code": "InvalidMessageContents"} for each in refused],
            }
        )

    marked = {**REQUEST, "callback_url": "http://receiver/?refuse-me"}
    async with serve(broker_that(refuse_the_marked)) as url, api_with(aws_endpoint_url=HttpUrl(url)) as api:
        responses = await asyncio.gather(*(submit(api, each) for each in (REQUEST, marked, REQUEST, marked)))

    assert [response.status_code for response in responses] == [200, 500, 200, 500]
    assert responses[1].json() == COULD_NOT_BE_QUEUED


async def test_an_entry_that_the_broker_does_not_mention_is_not_accepted(serve: Serve) -> None:
    async def say_nothing(_action: str, _batch: dict[str, Any]) -> web.Response:
        return web.json_response({})

    async with serve(broker_that(say_nothing)) as url:
        assert "SQS says nothing of the entry" in await cause_of_500(url)


@pytest.mark.parametrize("status", [200, 403, 503])
@pytest.mark.parametrize("body", ["<html>", "{}", json.dumps({"__type": "AccessDenied", "message": "no"})])
async def test_a_broker_that_answers_anything_else_is_a_500(serve: Serve, status: int, body: str) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=body, status=status, content_type="application/x-amz-json-1.0")

    async with serve(answer) as url:
        assert await cause_of_500(url)


async def test_a_broker_that_hangs_up_is_a_500(serve: Serve) -> None:
    async def hang_up(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with serve(hang_up) as url:
        assert await cause_of_500(url)


async def test_what_timed_out_before_it_was_sent_is_not_sent_later(serve: Serve) -> None:
    let_go, all_held = asyncio.Event(), asyncio.Event()
    sent: list[str] = []

    async def hold(_action: str, batch: dict[str, Any]) -> web.Response:
        sent.extend(entry["MessageBody"] for entry in batch["Entries"])
        if len(sent) == MOST_UNDER_WAY:
            all_held.set()
        await let_go.wait()
        taken = [{"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": ""} for entry in batch["Entries"]]
        return web.json_response({"Successful": taken})

    definition = define_queues(load_task_types(["services.tasks"]))["calculation"]
    async with serve(broker_that(hold)) as url, open_sqs(ApiSettings(aws_endpoint_url=HttpUrl(url))) as client:
        queue = Queue(client, definition)
        patient = TaskQueue(queue, queue, timeout_seconds=LONGER_THAN_ANYTHING_TAKES)
        impatient = TaskQueue(queue, queue, timeout_seconds=0.1)
        held = [asyncio.create_task(patient.enqueue("id", "held")) for _ in range(MOST_UNDER_WAY)]
        await all_held.wait()
        with capture_logs():
            timed_out = await asyncio.gather(
                *(impatient.enqueue("id", "timed out") for _ in range(20)), return_exceptions=True
            )
        let_go.set()
        await asyncio.gather(*held)
        await patient.enqueue("id", "later")

    assert [type(error) for error in timed_out] == [EnqueueError] * 20
    assert sent == ["held"] * MOST_UNDER_WAY + ["later"]


async def test_a_broker_that_hangs_fills_no_memory(serve: Serve) -> None:
    let_go = asyncio.Event()

    async def hold(_action: str, _batch: dict[str, Any]) -> web.Response:
        await let_go.wait()
        return web.json_response({})

    async with (
        serve(broker_that(hold)) as url,
        api_with(aws_endpoint_url=HttpUrl(url), enqueue_max_pending=20) as api,
    ):
        with capture_logs():
            submitted = [asyncio.create_task(submit(api)) for _ in range(100)]
            waiting = set(submitted)
            while len(waiting) > 20:
                _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            let_go.set()
            responses = await asyncio.gather(*submitted)

    assert Counter(response.status_code for response in responses) == {500: 20, 503: 80}
