"""Queues that take smaller messages than SQS allows, as other brokers have them: a real LocalStack that enforces it."""

import asyncio
import json

import httpx
import pytest

from services.messages import decode_task, encode_task, max_body_bytes
from services.queueing.dead_letter import MAX_REASON_BYTES, MAX_TRACE_BYTES, dead_letter_attributes
from services.queueing.message_size import message_bytes
from tests.integration.services.api.test_enqueue import REQUEST, api_with
from tests.integration.services.conftest import Broker

MAX_MESSAGE_BYTES = 262_144
LIMIT = max_body_bytes(MAX_MESSAGE_BYTES)
TASK_BYTES = 65_000


@pytest.fixture
async def smaller(broker: Broker) -> Broker:
    await asyncio.gather(*(let_take(broker, name, MAX_MESSAGE_BYTES) for name in broker.definitions))
    return broker


async def let_take(broker: Broker, name: str, max_message_bytes: int) -> None:
    await broker.set_attributes(name, MaximumMessageSize=str(max_message_bytes))


async def post(api: httpx.AsyncClient, message_size: int) -> httpx.Response:
    """Submit a task that is a message of this size."""
    request = json.dumps(REQUEST)
    blanks = message_size - len(encode_task("x" * 36, "calculation", request))
    headers = {"content-type": "application/json"}
    return await api.post("/v1/calculation/basic", content=request + " " * blanks, headers=headers)


async def test_tasks_that_come_together_are_all_queued_where_a_batch_takes_only_some_of_them(smaller: Broker) -> None:
    async with api_with(**smaller.environment) as api:
        answers = await asyncio.gather(*(post(api, TASK_BYTES) for _ in range(20)))

    assert [answer.status_code for answer in answers] == [200] * 20
    messages = await smaller.take("calculation", 20)
    assert {decode_task(message.body).task_id for message in messages} == {each.json()["task_id"] for each in answers}


async def test_the_largest_task_is_queued_and_can_be_dead_lettered_with_all_that_says_why(smaller: Broker) -> None:
    async with api_with(**smaller.environment) as api:
        assert (await post(api, LIMIT)).status_code == 200
    [task] = await smaller.take("calculation")
    assert message_bytes(task.body, {}) == LIMIT
    why = dead_letter_attributes("r" * MAX_REASON_BYTES, 3, "calculation", "t" * MAX_TRACE_BYTES)

    await smaller.queues["calculation-dlq"].forward(task, why)

    [dead] = await smaller.take("calculation-dlq")
    assert dead.attributes == why


async def test_one_that_is_larger_is_answered_413_with_the_limit_that_holds(smaller: Broker) -> None:
    async with api_with(**smaller.environment) as api:
        in_its_envelope, by_its_length = await post(api, LIMIT + 1), await post(api, 2 * LIMIT)

    assert (in_its_envelope.status_code, by_its_length.status_code) == (413, 413)
    assert in_its_envelope.json()["detail"] == (
        f"The task takes {LIMIT + 1} bytes as an SQS message and the limit is {LIMIT} bytes."
        " Send fewer or smaller items."
    )
    assert f"the limit is {LIMIT} bytes" in by_its_length.json()["detail"]
    assert await smaller.in_queue("calculation") == (0, 0)


async def test_a_task_that_its_dead_letter_queue_could_not_take_is_answered_413_too(broker: Broker) -> None:
    await let_take(broker, "calculation-dlq", MAX_MESSAGE_BYTES)

    async with api_with(**broker.environment) as api:
        assert (await post(api, LIMIT + 1)).status_code == 413
        assert (await post(api, LIMIT)).status_code == 200
        assert "MaximumMessageSize is 262144" in await said_of_calculation(api)


async def test_the_api_is_ready_says_what_its_queues_take_and_follows_a_change(broker: Broker) -> None:
    async with api_with(**broker.environment) as api:
        assert await said_of_calculation(api) == "ok"
        assert (await post(api, LIMIT + 1)).status_code == 200

        await let_take(broker, "calculation", MAX_MESSAGE_BYTES)

        assert await said_of_calculation(api) == (
            "MaximumMessageSize is 262144, where SQS allows 1048576: the API refuses what is larger with a 413,"
            " and outcomes wait compressed"
        )
        assert (await post(api, LIMIT + 1)).status_code == 413


async def said_of_calculation(api: httpx.AsyncClient) -> str:
    answer = await api.get("/readyz")
    assert answer.status_code == 200
    return str(answer.json()["queues"]["calculation"])
