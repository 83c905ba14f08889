"""A message that is none of ours, from a task's queue to `undelivered` and back, on a real LocalStack."""

import asyncio
import time
from typing import Any

import pytest

from services.dead_letters.dead_letter_queues import DeadLetterQueues
from services.dead_letters.plan import make_plan, select
from services.dead_letters.redrive import Moved, redrive
from services.dead_letters.selection import Criteria
from services.dlq_watcher.__main__ import make_components
from services.dlq_watcher.settings import WatcherSettings
from services.primitives.sqs_limits import MAX_MESSAGE_BYTES
from services.queueing.dead_letter import FAILURE_ATTRIBUTES
from services.queueing.message import ReceivedMessage, sent_at_attribute
from services.runtime.boot import Booted
from services.runtime.resources import open_resources
from services.task_types.loading import load_task_types
from services.tasks.data import DataSettings
from services.worker.__main__ import make_consumers
from services.worker.settings import WorkerSettings
from tests.integration.services.conftest import Broker, running, until

TASK_TYPES = load_task_types(["services.tasks"])

ATTRIBUTES: dict[str, Any] = {
    "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    "number": {"DataType": "Number.int", "StringValue": "5"},
    "traceparent": {"DataType": "String", "StringValue": "00-1-1-01"},
}


async def send(broker: Broker, body: str, attributes: dict[str, Any]) -> None:
    url = (await broker.client.get_queue_url(QueueName=broker.queues["data"].name))["QueueUrl"]
    await broker.client.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=attributes)


async def look_at_undelivered(broker: Broker) -> ReceivedMessage:
    """Have a worker and the watcher give the message up."""
    settings = {**broker.environment, "sqs_wait_time_seconds": 1}
    worker, watcher = WorkerSettings(**settings), WatcherSettings(**settings)
    async with open_resources(worker, TASK_TYPES) as resources:
        consumers = make_consumers("data", Booted(worker, TASK_TYPES, {"data": DataSettings()}), resources)
        async with running(*consumers, *make_components(watcher, TASK_TYPES, resources)):
            await until(broker, "undelivered", lambda waiting, _in_flight: waiting == 1)
    [message] = await broker.queues["undelivered"].receive(1, wait_seconds=5, visibility_timeout_seconds=60)
    await broker.queues["undelivered"].change_visibility(message, 0)
    return message


async def test_its_attributes_come_to_undelivered_beside_the_reason_and_back_with_a_redrive(broker: Broker) -> None:
    await send(broker, "foreign", ATTRIBUTES)

    kept = await look_at_undelivered(broker)

    assert kept.typed_attributes.items() >= ATTRIBUTES.items()
    assert kept.attributes["reason"].startswith("the message is no JSON")
    assert kept.attributes["source_queue"] == "data"

    dead_letter_queues = DeadLetterQueues(broker.client, broker.queues, broker.definitions, asyncio.Event())
    selection = select("undelivered", ["undelivered"], Criteria(), take_all=True)
    await redrive(dead_letter_queues, await make_plan(dead_letter_queues, selection, None), Moved())

    [back] = await broker.take("data")
    assert (back.body, back.typed_attributes) == ("foreign", ATTRIBUTES)


async def test_what_was_dead_already_is_dead_since_then_in_undelivered_too(broker: Broker) -> None:
    """A watcher that was away for hours moves on what died meanwhile."""
    died_at = round(time.time() - 3 * 3600, 3)
    await broker.queues["data-dlq"].send("foreign", {"reason": "no task", **sent_at_attribute(died_at)})

    kept = await look_at_undelivered(broker)

    assert kept.sent_at == died_at


async def test_what_sqs_moved_is_dead_since_it_was_given_up(broker: Broker) -> None:
    """Nobody noted when it died, and it may have waited for days before that."""
    queued_at = time.time() - 3 * 3600
    await broker.queues["data"].send("foreign", sent_at_attribute(queued_at))
    await broker.queues["data"].receive(1, wait_seconds=5, visibility_timeout_seconds=0)

    kept = await look_at_undelivered(broker)

    assert kept.sent_at > queued_at + 3600


@pytest.mark.parametrize("room", [0, 300])
async def test_a_body_as_large_as_sqs_takes_comes_to_undelivered_with_what_fits_of_the_reason(
    broker: Broker, room: int
) -> None:
    body = "x" * (MAX_MESSAGE_BYTES - room)
    await send(broker, body, {})

    kept = await look_at_undelivered(broker)

    assert kept.body == body
    assert kept.attributes.keys() == (
        FAILURE_ATTRIBUTES - {"trace", "receives_before", "delayed_until_ms"} if room else set()
    )
