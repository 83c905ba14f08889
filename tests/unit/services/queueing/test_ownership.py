"""Who may still deliver what came of a message."""

import asyncio
import weakref
from collections.abc import Callable
from typing import cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from structlog.testing import capture_logs

from services.queueing import ownership
from services.queueing.errors import UnusableBrokerError
from services.queueing.in_flight import InFlight
from services.queueing.message import ReceivedMessage
from services.queueing.ownership import NotOursError, ensure_ours
from services.queueing.queue import Queue
from tests.jumping_clock import JumpingClock
from tests.service_fixtures import without_collector

VISIBILITY_TIMEOUT = 30
SENT_AT = 1_800_000_000
AS_IT_WAS = SENT_AT - 1
MADE_ANEW = SENT_AT + 1
WITHOUT_A_DATE = None


class AskedQueue:
    """A queue that answers as it is set to, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer: float | Exception | None = AS_IT_WAS
        self.when_asked: Callable[[], None] = lambda: None

    async def created_at(self) -> float | None:
        self.asked += 1
        self.when_asked()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "GetQueueAttributes")


@pytest.fixture
def queue() -> AskedQueue:
    return AskedQueue()


@pytest.fixture
def in_flight(jumping_clock: JumpingClock, queue: AskedQueue) -> InFlight:
    message = ReceivedMessage("id", "body", "handle", 1, SENT_AT, {})
    in_flight = InFlight(message, VISIBILITY_TIMEOUT, jumping_clock.now(), jumping_clock.now)
    ownership.take_ownership(in_flight, cast(Queue, queue), retry_waits_seconds=(0,))
    return in_flight


def ensure_ours_in(in_flight: InFlight) -> asyncio.Task[None]:
    return asyncio.create_task(ensure_ours(), context=in_flight.context)


def test_a_message_whose_work_has_ended_is_freed_without_the_collector(queue: AskedQueue) -> None:
    with without_collector():
        message = ReceivedMessage("id", "body", "handle", 1, SENT_AT, {})
        worked = InFlight(message, VISIBILITY_TIMEOUT, JumpingClock().now())
        ownership.take_ownership(worked, cast(Queue, queue))
        worked.context.run(ownership.end_ownership)
        message_left = weakref.ref(worked.context)
        del worked

        assert message_left() is None


async def test_who_has_given_a_sign_of_life_hands_over_and_asks_nobody(
    in_flight: InFlight, queue: AskedQueue, jumping_clock: JumpingClock
) -> None:
    jumping_clock.suspend(VISIBILITY_TIMEOUT - 1)

    await ensure_ours_in(in_flight)

    assert queue.asked == 0


async def test_who_was_suspended_for_longer_hands_nothing_over_and_says_why(
    in_flight: InFlight, jumping_clock: JumpingClock
) -> None:
    jumping_clock.suspend(62)

    with pytest.raises(NotOursError, match=r"no sign of life of the worker for 62 seconds, .+ others after 30"):
        await ensure_ours_in(in_flight)


async def test_what_is_received_again_while_sqs_is_asked_is_delivered(
    in_flight: InFlight, queue: AskedQueue, jumping_clock: JumpingClock
) -> None:
    jumping_clock.suspend(62)
    queue.when_asked = lambda: in_flight.received_again(in_flight.message, jumping_clock.now())

    await ensure_ours_in(in_flight)


@pytest.mark.parametrize(
    "answer",
    [MADE_ANEW, refusal("AWS.SimpleQueueService.NonExistentQueue"), EndpointConnectionError(endpoint_url="http://sqs")],
    ids=["its queue was made anew", "its queue is gone", "SQS does not answer"],
)
async def test_what_may_be_all_that_is_left_of_a_task_is_delivered(
    in_flight: InFlight, queue: AskedQueue, jumping_clock: JumpingClock, answer: float | Exception | None
) -> None:
    jumping_clock.suspend(62)
    queue.answer = answer

    await ensure_ours_in(in_flight)


async def test_a_broker_that_says_nothing_of_the_queue_is_not_asked_again_and_the_outcome_is_delivered(
    in_flight: InFlight, queue: AskedQueue, jumping_clock: JumpingClock
) -> None:
    jumping_clock.suspend(62)
    queue.answer = UnusableBrokerError("it has no Attributes")

    with capture_logs() as lines:
        await ensure_ours_in(in_flight)

    assert queue.asked == 1
    [line] = lines
    assert line["event"] == "delivered although others may have the message: whether they do is not known"
    assert "it has no Attributes" in line["error"]


@pytest.mark.parametrize("answer", [AS_IT_WAS, WITHOUT_A_DATE, refusal("AccessDenied"), refusal("InternalFailure")])
async def test_what_sqs_has_still_is_not(
    in_flight: InFlight, queue: AskedQueue, jumping_clock: JumpingClock, answer: float | Exception | None
) -> None:
    jumping_clock.suspend(62)
    queue.answer = answer

    with pytest.raises(NotOursError):
        await ensure_ours_in(in_flight)


async def test_who_works_a_message_that_no_consumer_holds_hands_over() -> None:
    await ensure_ours()
