"""How the queue of a task type is, and how often that is asked."""

import asyncio
from dataclasses import dataclass, field
from typing import cast

import pytest

from services.api.enqueue import ALL_IS_WELL_SECONDS_ON_AWS, EnqueueError, TaskQueue, TaskTooLargeError
from services.messages import MAX_BODY_BYTES
from services.primitives.sqs_limits import MAX_MESSAGE_BYTES
from services.queueing.errors import SqsEntryError, UnusableBrokerError
from services.queueing.provisioning import LEAST_MESSAGE_BYTES, Disagreement, describe_smaller_messages
from services.queueing.queue import Queue
from services.telemetry.tracing import Destination
from tests.virtual_time import in_virtual_time

DIFFERS = Disagreement("q", "MessageRetentionPeriod", "1", "2")


ON_AWS = Destination("q", "q", "https://sqs.us-east-1.amazonaws.com")
HERE = Destination("q", "q", "http://localhost:4566")


@dataclass
class CountedQueue:
    """Is as it is set to be, and counts how often it was asked."""

    name: str = "q"
    found: list[Disagreement] = field(default_factory=list)
    error: Exception | None = None
    asked: int = 0
    destination: Destination = ON_AWS
    max_message_bytes: int = MAX_MESSAGE_BYTES

    async def check(self) -> list[Disagreement]:
        self.asked += 1
        return self._answer(self.found)

    async def send(self, _body: str, **_options: object) -> None:
        self._answer([])

    def _answer(self, found: list[Disagreement]) -> list[Disagreement]:
        if self.error is not None:
            raise self.error
        return found


def task_queue_of(queue: CountedQueue) -> TaskQueue:
    return TaskQueue(cast(Queue, queue), cast(Queue, CountedQueue()), timeout_seconds=1)


@in_virtual_time
async def test_a_queue_on_aws_that_is_well_is_asked_once_a_minute_however_often_somebody_wants_to_know() -> None:
    queue = CountedQueue()
    task_queue = task_queue_of(queue)

    for _ in range(10):
        assert await task_queue.check() == []
        await asyncio.sleep(ALL_IS_WELL_SECONDS_ON_AWS / 10)
    assert queue.asked == 1

    assert await task_queue.check() == []
    assert queue.asked == 2


@in_virtual_time
async def test_a_queue_elsewhere_is_asked_each_time_as_its_broker_may_be_gone() -> None:
    queue = CountedQueue(destination=HERE)
    task_queue = task_queue_of(queue)

    assert await task_queue.check() == []
    queue.error = ConnectionError("away")

    with pytest.raises(ConnectionError):
        await task_queue.check()


@in_virtual_time
async def test_a_queue_that_is_not_as_declared_is_asked_each_time_until_it_is() -> None:
    queue = CountedQueue(found=[DIFFERS])
    task_queue = task_queue_of(queue)
    assert await task_queue.check() == await task_queue.check() == [str(DIFFERS)]

    queue.found = []

    assert await task_queue.check() == []
    assert queue.asked == 3


@in_virtual_time
async def test_a_queue_that_does_not_answer_is_asked_each_time() -> None:
    queue = CountedQueue(error=ConnectionError("away"))
    task_queue = task_queue_of(queue)
    for _ in range(2):
        with pytest.raises(ConnectionError):
            await task_queue.check()

    queue.error = None

    assert await task_queue.check() == []


@in_virtual_time
async def test_a_broker_that_says_nothing_of_a_queue_takes_tasks_all_the_same() -> None:
    task_queue = task_queue_of(CountedQueue(error=UnusableBrokerError("it has no Attributes")))

    assert await task_queue.check() == ["whether it is as declared is not known: it has no Attributes"]


@in_virtual_time
async def test_that_a_task_could_not_be_queued_is_reason_to_ask_at_once() -> None:
    queue = CountedQueue()
    task_queue = task_queue_of(queue)
    assert await task_queue.check() == []
    queue.error = ConnectionError("away")

    with pytest.raises(EnqueueError):
        await task_queue.enqueue("id", "body")

    with pytest.raises(ConnectionError):
        await task_queue.check()


@pytest.mark.parametrize(
    ("code", "text", "is_for_its_size"),
    [
        ("MessageTooLong", "no message", True),
        ("AWS.SimpleQueueService.BatchRequestTooLong", "Batch requests cannot be longer than 1048576 bytes", True),
        ("413", "Request Entity Too Large", True),
        ("InvalidParameterValue", "Reason: Message must be shorter than 262144 bytes.", True),
        ("InvalidParameterValue", "Value 901 for parameter DelaySeconds is invalid", False),
        ("InternalError", "no message", False),
    ],
)
async def test_a_task_that_sqs_refuses_for_its_size_is_told_from_one_that_may_be_queued_later(
    code: str,
    text: str,
    is_for_its_size: bool,  # noqa: FBT001
) -> None:
    task_queue = task_queue_of(CountedQueue(error=SqsEntryError(code, text, is_final=True)))

    with pytest.raises(EnqueueError) as refused:
        await task_queue.enqueue("id", "body")

    assert isinstance(refused.value, TaskTooLargeError) == is_for_its_size


@in_virtual_time
async def test_a_queue_that_takes_smaller_messages_than_sqs_allows_is_well_and_says_so_each_time() -> None:
    queue = CountedQueue(max_message_bytes=262_144)
    task_queue = task_queue_of(queue)

    assert await task_queue.check() == await task_queue.check() == [describe_smaller_messages(262_144)]
    assert queue.asked == 1


@pytest.mark.parametrize(
    ("of_queue", "of_dead_letter_queue", "smaller_by"),
    [
        (MAX_MESSAGE_BYTES, MAX_MESSAGE_BYTES, 0),
        (262_144, MAX_MESSAGE_BYTES, MAX_MESSAGE_BYTES - 262_144),
        (MAX_MESSAGE_BYTES, 262_144, MAX_MESSAGE_BYTES - 262_144),
        # It is said not to be as declared; a small task is taken all the same.
        (1024, MAX_MESSAGE_BYTES, MAX_MESSAGE_BYTES - LEAST_MESSAGE_BYTES),
    ],
)
def test_a_task_fits_into_its_queue_and_into_the_dead_letter_queue_with_all_that_says_why(
    of_queue: int, of_dead_letter_queue: int, smaller_by: int
) -> None:
    queue, dead_letter_queue = (
        cast(Queue, CountedQueue(max_message_bytes=each)) for each in (of_queue, of_dead_letter_queue)
    )

    task_queue = TaskQueue(queue, dead_letter_queue, timeout_seconds=1)

    assert task_queue.max_body_bytes == MAX_BODY_BYTES - smaller_by
