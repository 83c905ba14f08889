"""A message stays in its group wherever it goes, on a real LocalStack, which takes groups on standard queues."""

import asyncio
from collections import Counter

import pytest
from aiohttp import web
from botocore.exceptions import ClientError

from services.dead_letters.dead_letter_queues import DeadLetterQueues
from services.dead_letters.move_task import run_move_task
from services.dead_letters.plan import make_plan, select
from services.dead_letters.redrive import Moved, redrive
from services.dead_letters.selection import Criteria
from services.delivery.callback_client import CallbackClient
from services.delivery.outcome_delivery import OutcomeDelivery
from services.messages import OutcomeMessage
from services.outbound.http_client import TargetSessions
from services.queueing.consumer import Consumer
from services.queueing.decisions import RetryPolicy
from services.queueing.message import ReceivedMessage
from services.worker.settings import WorkerSettings
from tests.integration.services.conftest import Broker, running
from tests.service_fixtures import Serve

GROUP = "tenant-7"


def groups_by_body(messages: list[ReceivedMessage]) -> dict[str, str | None]:
    return {message.body: message.message_group_id for message in messages}


async def test_of_a_batch_each_message_comes_back_in_its_own_group_or_in_none(broker: Broker) -> None:
    queue = broker.queues["calculation"]
    groups = {"a": GROUP, "b": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "c": None, "d": "x" * 128}

    await asyncio.gather(*(queue.send(body, message_group_id=group) for body, group in groups.items()))

    assert groups_by_body(await broker.take("calculation", len(groups))) == groups
    assert broker.requests.counts["SendMessageBatch"] == 1


async def test_messages_of_a_group_are_in_flight_together_in_a_standard_queue(broker: Broker) -> None:
    queue = broker.queues["calculation"]
    await asyncio.gather(*(queue.send(str(number), message_group_id=GROUP) for number in range(3)))

    received = [await queue.receive(1, wait_seconds=5, visibility_timeout_seconds=60) for _ in range(3)]

    assert sorted(message.body for [message] in received) == ["0", "1", "2"]


@pytest.mark.parametrize("group", ["", "x" * 129, "a tenant", "café"])
async def test_sqs_refuses_what_the_api_refuses(broker: Broker, group: str) -> None:
    url = (await broker.client.get_queue_url(QueueName=broker.queues["calculation"].name))["QueueUrl"]

    with pytest.raises(ClientError, match="MessageGroupId"):
        await broker.client.send_message(QueueUrl=url, MessageBody="body", MessageGroupId=group)


async def test_a_message_that_sqs_moves_to_its_dead_letter_queue_stays_in_its_group(broker: Broker) -> None:
    data = broker.queues["data"]
    await data.send("moved", message_group_id=GROUP)
    await data.receive(1, wait_seconds=5, visibility_timeout_seconds=0)
    assert await data.receive(1, wait_seconds=1, visibility_timeout_seconds=0) == []

    [dead] = await broker.take("data-dlq")

    assert dead.dead_letter_source_arn is not None
    assert dead.message_group_id == GROUP


async def test_through_retry_and_dead_letter_queue_and_redrive_a_message_stays_in_its_group(
    broker: Broker, dead_letter_queues: DeadLetterQueues
) -> None:
    attempts: list[tuple[int, str | None]] = []

    async def fail(message: ReceivedMessage) -> None:
        attempts.append((message.receive_count, message.message_group_id))
        raise ValueError("no")

    settings = WorkerSettings(**broker.environment, sqs_wait_time_seconds=1)
    calculation, dlq = broker.queues["calculation"], broker.queues["calculation-dlq"]
    await calculation.send("body", message_group_id=GROUP)
    async with running(Consumer(calculation, dlq, fail, RetryPolicy(2, (0,)), settings)):
        [dead] = await dlq.receive(1, wait_seconds=20, visibility_timeout_seconds=0)

    assert attempts == [(1, GROUP), (2, GROUP)]
    assert (dead.message_group_id, dead.attributes["attempts"]) == (GROUP, "2")

    moved = Moved()
    everything = select("calculation-dlq", ["calculation-dlq"], Criteria(), take_all=True)
    plan = await make_plan(dead_letter_queues, everything, None)
    await redrive(dead_letter_queues, plan, moved)

    assert moved.routes == Counter({("calculation-dlq", "calculation"): 1})
    assert groups_by_body(await broker.take("calculation")) == {"body": GROUP}


async def test_a_move_task_of_sqs_keeps_the_group(broker: Broker, dead_letter_queues: DeadLetterQueues) -> None:
    await broker.queues["data-dlq"].send("body", message_group_id=GROUP)
    states = await dead_letter_queues.states(["data-dlq", "data"])

    await run_move_task(
        broker.client, states["data-dlq"].arn, states["data"].arn, dead_letter_queues.stop, lambda _task: None
    )

    assert groups_by_body(await broker.take("data")) == {"body": GROUP}


@pytest.mark.parametrize(("status", "queue"), [(503, "callbacks"), (410, "callbacks-dlq")])
async def test_an_outcome_that_was_not_taken_waits_in_the_group_of_its_task(
    broker: Broker, sessions: TargetSessions, serve: Serve, status: int, queue: str
) -> None:
    async def refuse(_request: web.Request) -> web.Response:
        return web.Response(status=status)

    settings = WorkerSettings(
        **broker.environment, callback_in_place_retry_seconds=[], callback_retry_schedule_seconds=[0]
    )
    delivery = OutcomeDelivery(
        CallbackClient(sessions, settings), broker.queues["callbacks"], broker.queues["callbacks-dlq"], settings
    )
    async with serve(refuse) as url:
        await delivery.deliver(OutcomeMessage("id", "calculation", url, "{}"), GROUP)

    [waiting] = await broker.take(queue)
    assert waiting.message_group_id == GROUP
