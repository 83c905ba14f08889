"""SQS as the services use it, on a real LocalStack."""

import asyncio
import math
import time
from dataclasses import replace
from email.utils import parsedate_to_datetime

import pytest
from botocore.exceptions import ClientError

from services.primitives.sqs_limits import MAX_MESSAGE_BYTES
from services.queueing.errors import SqsEntryError
from services.queueing.message import ReceivedMessage
from services.queueing.queue import Queue
from tests.integration.services.conftest import LOCALSTACK_ACCOUNT, Broker

LARGE_BODY = "ignore:Sending a large body directly:ResourceWarning"
"""aiohttp's advice to those who send more than a megabyte at once, which botocore does."""


async def receive(queue: Queue, count: int) -> list[str]:
    messages = await queue.receive(count, wait_seconds=1, visibility_timeout_seconds=60)
    return sorted(message.body for message in messages)


async def test_a_message_comes_as_it_was_sent(broker: Broker) -> None:
    body = '{"text":"\t\r\n\u00e9\u2603\U0001f600"}'
    await broker.queues["calculation"].send(body, {"reason": "no \u2603", "attempts": "3"})

    [message] = await broker.take("calculation")

    assert message.body == body
    assert message.attributes == {"reason": "no \u2603", "attempts": "3"}
    assert message.receive_count == 1
    assert message.sent_at > 0
    assert parsedate_to_datetime(message.date).timestamp() >= math.floor(message.sent_at)


async def test_a_message_with_a_delay_comes_when_it_is_over_and_says_when_that_was(broker: Broker) -> None:
    begun = time.time()
    await broker.queues["calculation"].send("delayed", delay_seconds=2, message_group_id="tenant-7")

    [message] = await broker.take("calculation")

    assert time.time() >= message.sent_at + 2
    assert message.sent_at + message.delay_seconds >= round(begun + 2, 3)
    assert message.message_group_id == "tenant-7"


async def test_a_message_that_was_restored_came_when_it_says_so(broker: Broker) -> None:
    await broker.queues["calculation"].send("restored", {"sent_at_ms": "1764000000123"})

    [message] = await broker.take("calculation")

    assert message.sent_at == 1_764_000_000.123


async def test_a_message_that_sqs_moved_to_its_dead_letter_queue_says_from_where(broker: Broker) -> None:
    data = broker.queues["data"]
    await data.send("moved")
    await broker.queues["data-dlq"].send("sent")

    [unmoved] = await data.receive(1, wait_seconds=5, visibility_timeout_seconds=0)
    assert await receive(data, 1) == []
    dead = {message.body: message.dead_letter_source_arn for message in await broker.take("data-dlq", 2)}

    assert unmoved.dead_letter_source_arn is None
    assert dead == {"moved": f"arn:aws:sqs:us-east-1:{LOCALSTACK_ACCOUNT}:{data.name}", "sent": None}


def first_receive(message: ReceivedMessage) -> float:
    assert message.first_received_at is not None
    return message.first_received_at


async def test_a_message_keeps_the_time_of_its_first_receive_until_it_is_redriven(broker: Broker) -> None:
    data, dlq = broker.queues["data"], broker.queues["data-dlq"]

    async def die() -> ReceivedMessage:
        """Receive the message once from its queue and twice, as a watcher that crashes would, from its DLQ."""
        [alive] = await data.receive(1, wait_seconds=5, visibility_timeout_seconds=0)
        assert await receive(data, 1) == []
        [dead] = await dlq.receive(1, wait_seconds=5, visibility_timeout_seconds=0)
        [dead_again] = await dlq.receive(1, wait_seconds=5, visibility_timeout_seconds=0)
        assert alive.message_id == dead.message_id == dead_again.message_id
        assert first_receive(dead) == first_receive(dead_again) >= first_receive(alive) >= alive.sent_at > 0
        return dead

    await data.send("body")
    first = await die()
    await broker.client.start_message_move_task(SourceArn=f"arn:aws:sqs:us-east-1:{LOCALSTACK_ACCOUNT}:{dlq.name}")
    second = await die()

    assert first_receive(second) > first_receive(first)


async def test_a_delayed_message_is_not_shown_yet(broker: Broker) -> None:
    queue = broker.queues["calculation"]

    await queue.send("later", delay_seconds=5000)
    await queue.send("now")

    assert await receive(queue, 10) == ["now"]


async def test_a_bad_receipt_handle_fails_its_own_caller_alone(broker: Broker) -> None:
    queue = broker.queues["calculation"]
    await asyncio.gather(*(queue.send(body) for body in "ab"))
    good = await queue.receive(10, wait_seconds=5, visibility_timeout_seconds=60)
    good += await queue.receive(10, wait_seconds=1, visibility_timeout_seconds=60) if len(good) < 2 else []
    bad = replace(good[0], receipt_handle="no-handle")

    changes = [queue.change_visibility(message, 60) for message in (good[0], bad, good[1])]
    deletes = [queue.delete(message) for message in (good[0], bad, good[1])]

    for calls in (changes, deletes):
        first, failed, last = await asyncio.gather(*calls, return_exceptions=True)
        assert (first, last) == (None, None)
        assert isinstance(failed, SqsEntryError)
        assert "ReceiptHandleIsInvalid" in str(failed)
    assert broker.requests.counts["DeleteMessageBatch"] == 1
    assert await broker.in_queue("calculation") == (0, 0)


@pytest.mark.filterwarnings(LARGE_BODY)
async def test_a_message_that_is_too_large_is_refused_and_harms_no_other(broker: Broker) -> None:
    queue = broker.queues["calculation"]

    small, large = await asyncio.gather(
        queue.send("small"), queue.send("x" * (MAX_MESSAGE_BYTES + 1)), return_exceptions=True
    )

    assert small is None
    assert isinstance(large, ClientError | SqsEntryError)
    assert [message.body for message in await broker.take("calculation")] == ["small"]


async def test_a_queue_that_was_deleted_is_found_again_when_it_is_made_again(broker: Broker) -> None:
    queue = broker.queues["undelivered"]
    await queue.send("lost")
    await broker.delete("undelivered")

    with pytest.raises(ClientError, match="NonExistentQueue"):
        await queue.send("early")

    await broker.create("undelivered")
    await queue.send("body")
    assert [message.body for message in await broker.take("undelivered")] == ["body"]
