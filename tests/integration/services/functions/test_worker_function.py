"""The worker as a function: every outcome of a message, by AWS's own runtime and on a real LocalStack."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web

from services.messages import encode_task
from tests.integration.services.conftest import PATIENCE_SECONDS, Broker
from tests.integration.services.functions.conftest import Function, event_of, settle
from tests.integration.services.functions.heard import Heard
from tests.service_fixtures import Serve

GOOD = {"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 0}


def task(task_id: str, url: str, item: dict[str, Any] | str = GOOD, path: str = "/callback") -> str:
    body = item if isinstance(item, str) else json.dumps(item)
    return encode_task(task_id, "calculation", f'{{"callback_url":"{url}{path}","message":[{body}]}}')


async def test_what_is_done_is_delivered_and_may_be_deleted(broker: Broker, serve: Serve, worker: Function) -> None:
    heard = Heard()
    async with serve(heard.receive) as url:
        await broker.queues["calculation"].send(task("id", url))
        event = await event_of(broker, "calculation", 1)
        answer = await worker.invoke(event)

    assert await settle(broker, "calculation", event, answer) == []
    assert heard.outcomes.get_nowait() == b'{"results":[{"a":3}],"errors":[],"task_id":"id"}'
    assert await broker.in_queue("calculation") == (0, 0)


async def test_numbers_are_exact_to_the_digit(broker: Broker, serve: Serve, worker: Function) -> None:
    heard = Heard()
    number = "12345678901234567890.123"
    item = f'{{"name":"a","num_1":{number},"num_2":0.000,"operation":"+","result_rounding":3}}'
    async with serve(heard.receive) as url:
        await broker.queues["calculation"].send(task("id", url, item))
        await worker.invoke(await event_of(broker, "calculation", 1))

    assert heard.outcomes.get_nowait() == b'{"results":[{"a":%s}],"errors":[],"task_id":"id"}' % number.encode()


async def test_each_message_of_a_batch_has_an_end_of_its_own(broker: Broker, serve: Serve, worker: Function) -> None:
    heard = Heard()
    async with serve(heard.receive) as url:
        bodies = [task("good", url), "garbage", task("refused", url, path="/refuses"), task("busy", url, path="/busy")]
        for body in bodies:
            await broker.queues["calculation"].send(body)
        event = await event_of(broker, "calculation", len(bodies))
        answer = await worker.invoke(event)

    assert await settle(broker, "calculation", event, answer) == []
    assert heard.outcomes.qsize() == 1
    [dead] = await broker.take("calculation-dlq")
    assert (dead.body, dead.attributes["attempts"]) == ("garbage", "1")
    [refused] = await broker.take("callbacks-dlq")
    assert "410" in refused.attributes["reason"]
    [busy] = await broker.take("callbacks")
    assert busy.attributes["delivery_attempts"] == "1"


async def test_a_message_that_cannot_be_read_comes_again_and_spoils_no_other(
    broker: Broker, serve: Serve, worker: Function
) -> None:
    heard = Heard()
    async with serve(heard.receive) as url:
        for task_id in ("odd", "good"):
            await broker.queues["calculation"].send(task(task_id, url))
        event = await event_of(broker, "calculation", 2)
        [odd] = [record for record in event["Records"] if '"odd"' in record["body"]]
        odd["attributes"]["ApproximateReceiveCount"] = "often"
        answer = await worker.invoke(event)

    assert await settle(broker, "calculation", event, answer) == [odd["body"]]
    assert heard.outcomes.get_nowait() == b'{"results":[{"a":3}],"errors":[],"task_id":"good"}'
    [line] = [line for line in worker.logged() if line["event"] == "a message cannot be read, and is left to SQS"]
    assert line["message_id"] == odd["messageId"]


@pytest.mark.parametrize("count", [1, 10, 100])
async def test_a_batch_of_any_size_is_worked_as_a_whole(
    broker: Broker, serve: Serve, worker: Function, count: int
) -> None:
    heard = Heard()
    async with serve(heard.receive) as url:
        sends = (broker.queues["calculation"].send(task(str(n), url)) for n in range(count))
        await asyncio.gather(*sends)
        event = await event_of(broker, "calculation", count)
        answer = await worker.invoke(event)

    assert await settle(broker, "calculation", event, answer) == []
    ids = {json.loads(heard.outcomes.get_nowait())["task_id"] for _ in range(count)}
    assert ids == {str(n) for n in range(count)}
    assert heard.outcomes.empty()


async def test_what_must_be_tried_again_comes_back_after_its_retry_delay_and_not_after_the_visibility_timeout(
    broker: Broker, serve: Serve, worker: Function
) -> None:
    async with serve(Heard().receive) as url:
        # Its callback cannot be reached, and nor can SQS take what is to wait: the queue is gone.
        await broker.delete("callbacks")
        await broker.queues["calculation"].send(task("id", url, path="/busy"))
        event = await event_of(broker, "calculation", 1)
        answer = await worker.invoke(event)

    [body] = await settle(broker, "calculation", event, answer)
    assert json.loads(body)["task_id"] == "id"
    again = await asyncio.wait_for(event_of(broker, "calculation", 1), 40)
    assert again["Records"][0]["attributes"]["ApproximateReceiveCount"] == "2"
    assert "returned for retry" in worker.events()


async def test_a_process_that_is_killed_in_mid_attempt_is_begun_anew_and_the_message_is_worked_again(
    broker: Broker, serve: Serve, worker: Function
) -> None:
    arrived, may_answer = asyncio.Event(), asyncio.Event()
    heard = Heard()

    async def receive(request: web.Request) -> web.Response:
        if not may_answer.is_set():
            arrived.set()
            await may_answer.wait()
        return await heard.receive(request)

    async with serve(receive) as url:
        await broker.queues["calculation"].send(task("id", url))
        event = await event_of(broker, "calculation", 1)
        invoking = asyncio.create_task(worker.invoke(event))
        async with asyncio.timeout(PATIENCE_SECONDS):
            await arrived.wait()
        assert worker.runtime.pid is not None
        worker.runtime.kill()
        answer = await invoking
        assert json.loads(answer.body)["errorType"] == "Runtime.ExitError"
        [_] = await settle(broker, "calculation", event, answer)
        may_answer.set()
        answer = await worker.invoke(event)

    assert await settle(broker, "calculation", event, answer) == []
    assert json.loads(heard.outcomes.get_nowait())["task_id"] == "id"


async def test_an_event_of_a_queue_that_is_another_functions_is_left_to_it(
    broker: Broker, serve: Serve, worker: Function
) -> None:
    async with serve(Heard().receive) as url:
        await broker.queues["data"].send(task("id", url))
        event = await event_of(broker, "data", 1)
        answer = await worker.invoke(event)

    assert len(await settle(broker, "data", event, answer)) == 1
    [line] = [line for line in worker.logged() if "of queues that this function does not consume" in line["event"]]
    assert line["queues"] == [broker.queues["data"].name]


async def test_an_event_that_is_none_of_sqs_is_an_error_that_says_so(worker: Function) -> None:
    answer = await worker.invoke({"key1": "value1"})

    error = json.loads(answer.body)
    assert (answer.is_error, error["errorType"]) == (True, "NoSqsEventError")
    assert "the function takes events of SQS" in error["errorMessage"]
