"""What becomes of the messages of a batch that somebody else has received and will delete."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from services.errors import PermanentError, RetryLaterError
from services.queueing.attempt import MessageHandler
from services.queueing.batch_consumer import BatchConsumer
from services.queueing.cut_short import TaskTimeoutError
from services.queueing.decisions import RetryPolicy
from services.queueing.definition import QueueDefinition
from services.queueing.message import ReceivedMessage
from services.queueing.queue import Queue
from services.queueing.settings import ConsumerSettings
from services.queueing.timing import SETTLE_SECONDS
from services.telemetry.tracing import Destination
from tests.virtual_time import in_virtual_time

MAX_ATTEMPTS = 3
SECONDS = 60.0
"""What a batch of these tests has."""


@dataclass
class CountingQueue:
    """A queue that notes what is asked of it, and refuses what it is told to refuse."""

    definition: QueueDefinition = field(
        default_factory=lambda: QueueDefinition("q", "worker", MAX_ATTEMPTS, "q-dlq", None, 1)
    )
    destination: Destination = Destination("q", "q", "http://sqs.invalid")  # noqa: RUF009  # it is immutable
    name: str = "q"
    max_receives: int = MAX_ATTEMPTS
    sent: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    hidden: dict[str, int] = field(default_factory=dict)
    error: Exception | None = None

    async def forward(self, message: ReceivedMessage, attributes: Mapping[str, str], **_options: Any) -> None:
        self._call()
        self.sent.append((message.body, attributes))

    async def delete(self, message: ReceivedMessage) -> None:
        self._call()
        self.deleted.append(message.body)

    async def change_visibility(self, message: ReceivedMessage, timeout_seconds: int) -> None:
        self._call()
        self.hidden[message.body] = timeout_seconds

    def _call(self) -> None:
        if self.error:
            raise self.error


def message_of(body: str, receive_count: int = 1) -> ReceivedMessage:
    return ReceivedMessage(f"id of {body}", body, f"handle of {body}", receive_count, 1, {}, first_received_at=5)


def consumer_of(queue: CountingQueue, handler: MessageHandler, dlq: CountingQueue | None = None) -> BatchConsumer:
    settings = ConsumerSettings(visibility_timeout_seconds=3600)
    return BatchConsumer(
        cast(Queue, queue),
        cast(Queue, dlq or CountingQueue()),
        handler,
        RetryPolicy(MAX_ATTEMPTS, (7,)),
        settings,
        retry_waits_seconds=(),
    )


async def work(consumer: BatchConsumer, *messages: ReceivedMessage, seconds: float = SECONDS) -> list[str]:
    """The bodies of those that must come again."""
    ids = await consumer.work(messages, asyncio.get_running_loop().time() + seconds)
    return [message_id.removeprefix("id of ") for message_id in ids]


async def test_each_message_of_a_batch_has_an_end_of_its_own() -> None:
    queue, dlq = CountingQueue(), CountingQueue()

    async def handle(message: ReceivedMessage) -> None:
        if message.body == "later":
            raise RetryLaterError("busy")
        if message.body == "never":
            raise PermanentError("no such thing")

    again = await work(consumer_of(queue, handle, dlq), *map(message_of, ["good", "later", "never"]))

    assert again == ["later"]
    assert 5 <= queue.hidden["later"] <= 9
    [(body, attributes)] = dlq.sent
    assert (body, attributes["reason"], attributes["attempts"]) == ("never", "no such thing", "1")
    assert queue.deleted == []


async def test_what_could_not_be_dead_lettered_comes_again_and_is_not_worked_again() -> None:
    queue, dlq = CountingQueue(), CountingQueue(error=ConnectionError("away"))
    attempts = 0

    async def handle(_message: ReceivedMessage) -> None:
        nonlocal attempts
        attempts += 1
        raise PermanentError("no such thing")

    consumer = consumer_of(queue, handle, dlq)
    assert await work(consumer, message_of("never")) == ["never"]
    dlq.error = None
    assert await work(consumer, message_of("never", 2)) == []

    assert attempts == 1
    assert [attributes["reason"] for _, attributes in dlq.sent] == ["no such thing"]


async def test_what_is_done_and_comes_again_as_it_was_not_deleted_is_not_worked_again() -> None:
    attempts: list[ReceivedMessage] = []

    async def handle(message: ReceivedMessage) -> None:
        attempts.append(message)

    consumer = consumer_of(CountingQueue(), handle)
    assert await work(consumer, message_of("a")) == []
    assert await work(consumer, message_of("a", 2)) == []
    redriven = replace(message_of("a"), first_received_at=6)
    assert await work(consumer, redriven) == []

    assert attempts == [message_of("a"), redriven]


async def test_what_comes_again_is_worked_again_where_the_broker_does_not_say_whether_it_was_redriven() -> None:
    attempts: list[str] = []

    async def handle(message: ReceivedMessage) -> None:
        attempts.append(message.receipt_handle)

    consumer = consumer_of(CountingQueue(), handle)
    for handle_of_receive in ("first", "second"):
        received = replace(message_of("a"), first_received_at=None, receipt_handle=handle_of_receive)
        assert await work(consumer, received) == []

    assert attempts == ["first", "second"]


@in_virtual_time
async def test_an_attempt_ends_in_time_to_be_settled_and_the_others_are_not_held_up() -> None:
    queue = CountingQueue()

    async def handle(message: ReceivedMessage) -> None:
        await asyncio.sleep(1000 if message.body == "slow" else 1)

    begun_at = asyncio.get_running_loop().time()
    again = await work(consumer_of(queue, handle), message_of("slow"), message_of("quick"))

    assert again == ["slow"]
    assert list(queue.hidden) == ["slow"]
    assert asyncio.get_running_loop().time() - begun_at == pytest.approx(SECONDS - SETTLE_SECONDS)


@in_virtual_time
async def test_the_last_attempt_that_is_out_of_time_is_dead_lettered_with_that_reason() -> None:
    dlq = CountingQueue()

    async def handle(_message: ReceivedMessage) -> None:
        await asyncio.sleep(1000)

    again = await work(consumer_of(CountingQueue(), handle, dlq), message_of("slow", MAX_ATTEMPTS))

    assert again == []
    assert "the time of the function was over" in dlq.sent[0][1]["reason"]


@in_virtual_time
async def test_a_timeout_of_the_work_itself_is_not_taken_for_the_functions() -> None:
    dlq = CountingQueue()

    async def handle(_message: ReceivedMessage) -> None:
        raise TaskTimeoutError("the attempt took longer than 1 seconds")

    await work(consumer_of(CountingQueue(), handle, dlq), message_of("slow", MAX_ATTEMPTS))

    assert "took longer than 1 seconds" in dlq.sent[0][1]["reason"]


@in_virtual_time
async def test_where_sqs_is_silent_the_batch_is_answered_in_time() -> None:
    class SilentQueue(CountingQueue):
        async def change_visibility(self, _message: ReceivedMessage, _timeout_seconds: int) -> None:
            await asyncio.sleep(1000)

    async def handle(_message: ReceivedMessage) -> None:
        raise RetryLaterError("busy")

    begun_at = asyncio.get_running_loop().time()
    again = await work(consumer_of(SilentQueue(), handle), message_of("a"))

    assert again == ["a"]
    assert asyncio.get_running_loop().time() - begun_at == pytest.approx(SECONDS)


async def test_suspects_are_worked_one_by_one_and_deleted_before_the_next_is_begun() -> None:
    queue = CountingQueue()
    deleted_before: dict[str, list[str]] = {}

    async def handle(message: ReceivedMessage) -> None:
        deleted_before[message.body] = list(queue.deleted)

    again = await work(
        consumer_of(queue, handle), message_of("suspect", 2), message_of("a"), message_of("b"), message_of("second", 2)
    )

    assert again == []
    assert deleted_before == {"a": [], "b": [], "suspect": ["a", "b"], "second": ["a", "b", "suspect"]}


async def test_what_is_not_begun_as_it_could_be_lost_beside_another_one_is_sent_anew_with_its_count() -> None:
    queue = CountingQueue()
    worked: list[str] = []

    async def handle(message: ReceivedMessage) -> None:
        worked.append(message.body)

    again = await work(consumer_of(queue, handle), message_of("first", 3), message_of("second", 3))

    assert again == []
    assert worked == ["first"]
    # This receive of it does not count.
    assert queue.sent == [("second", {"receives_before": "2", "sent_at_ms": "1000"})]
    assert queue.deleted == ["second"]


async def test_what_could_not_be_given_back_comes_again_by_itself() -> None:
    queue = CountingQueue(error=ConnectionError("away"))

    async def handle(_message: ReceivedMessage) -> None:
        return

    with capture_logs() as logs:
        again = await work(consumer_of(queue, handle), message_of("first", 3), message_of("second", 3))

    assert again == ["second"]
    assert [line["message_id"] for line in logs if line["log_level"] == "error"] == ["id of second"]


@in_virtual_time
async def test_a_round_for_which_there_is_less_than_half_of_the_time_left_is_given_back() -> None:
    queue = CountingQueue()
    worked: list[str] = []

    async def handle(message: ReceivedMessage) -> None:
        worked.append(message.body)
        await asyncio.sleep(SECONDS * 0.6)

    again = await work(consumer_of(queue, handle), message_of("a"), message_of("suspect", 2))

    assert (again, worked) == ([], ["a"])
    assert queue.sent == [("suspect", {"receives_before": "1", "sent_at_ms": "1000"})]


async def test_a_process_that_has_lived_through_ten_suspects_works_the_others_together() -> None:
    under_way = 0
    most_under_way = 0

    async def handle(_message: ReceivedMessage) -> None:
        nonlocal under_way, most_under_way
        under_way += 1
        most_under_way = max(most_under_way, under_way)
        await asyncio.sleep(0)
        under_way -= 1

    consumer = consumer_of(CountingQueue(), handle)
    await work(consumer, *(message_of(f"early {n}", 2) for n in range(10)))
    assert most_under_way == 1
    await work(consumer, *(message_of(f"late {n}", 2) for n in range(10)))

    assert most_under_way == 10


async def test_a_message_that_failed_here_before_is_no_suspect() -> None:
    together: list[str] = []
    fails = True

    async def handle(message: ReceivedMessage) -> None:
        if fails:
            raise RetryLaterError("busy")
        together.append(message.body)
        await asyncio.sleep(0)
        assert len(together) == 2

    consumer = consumer_of(CountingQueue(), handle)
    await work(consumer, message_of("a"), message_of("b"))
    fails = False

    assert await work(consumer, message_of("a", 2), message_of("b", 2)) == []
