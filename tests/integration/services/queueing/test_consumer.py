"""How a queue is consumed, on a real LocalStack."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from pydantic import HttpUrl
from structlog.testing import capture_logs

from services.errors import PermanentError
from services.primitives.clock import Clock, this_moment
from services.queueing.attempt import MessageHandler
from services.queueing.attempt_history import NOT_KNOWN
from services.queueing.client import open_sqs
from services.queueing.consumer import Consumer
from services.queueing.decisions import RetryPolicy
from services.queueing.message import ReceivedMessage
from services.queueing.queue import Queue
from services.queueing.retrying import SQS_RETRY_WAITS_SECONDS
from services.telemetry import log_context, log_events
from services.worker.settings import WorkerSettings
from tests.integration.services.conftest import PATIENCE_SECONDS, Broker, Requests, running
from tests.integration.services.watched_calls import note_calls
from tests.jumping_clock import JumpingClock

AT_ONCE = RetryPolicy(3, (0,))
ONCE = RetryPolicy(1, (0,))
AGAIN_IN_FLIGHT = "received again while in flight"
"""What is logged of a message whose visibility timeout has ended while it was worked."""


class Work:
    """A message handler that notes what it is given, and does with it what it is asked to."""

    def __init__(self, *, held: bool = False, error: Exception | None = None) -> None:
        self.begun: list[ReceivedMessage] = []
        self.ended = 0
        self.most_in_flight = 0
        self.let_go = asyncio.Event()
        self._error = error
        self._changed = asyncio.Condition()
        if not held:
            self.let_go.set()

    async def __call__(self, message: ReceivedMessage) -> None:
        async with self._changed:
            self.begun.append(message)
            self.most_in_flight = max(self.most_in_flight, len(self.begun) - self.ended)
            self._changed.notify_all()
        try:
            await self.let_go.wait()
        finally:
            self.ended += 1
        if self._error:
            raise self._error

    async def has_begun(self, count: int) -> None:
        """Wait until so many messages were begun."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._changed:
            await self._changed.wait_for(lambda: len(self.begun) >= count)


class Failures:
    """Lets the next requests of an operation fail before they reach SQS."""

    def __init__(self, broker: Broker, operation: str, count: int) -> None:
        self._left = count
        self._failed = asyncio.Semaphore(0)
        self._passed = asyncio.Event()
        self._operation = operation
        note_calls(broker.client, self._fail)

    def _fail(self, operation: str, _parameters: dict[str, Any]) -> None:
        if operation != self._operation:
            return
        if not self._left:
            self._passed.set()
            return
        self._left -= 1
        self._failed.release()
        raise EndpointConnectionError(endpoint_url="http://sqs")

    async def next(self) -> None:
        """Wait until one more request has failed."""
        await asyncio.wait_for(self._failed.acquire(), PATIENCE_SECONDS)

    async def are_over(self) -> None:
        """Wait until a request of the operation was let through."""
        await asyncio.wait_for(self._passed.wait(), PATIENCE_SECONDS)


async def show_again(broker: Broker, message: ReceivedMessage) -> None:
    """Show a message that is worked no more, as if its visibility timeout were over."""
    await broker.queues["calculation"].change_visibility(message, 0)


async def receive_again(broker: Broker, message: ReceivedMessage) -> None:
    """Show a message that is being worked, as if its heartbeat had failed, until the consumer was given it again."""
    with capture_logs() as lines:
        await broker.queues["calculation"].change_visibility(message, 0)
        while not any(line["event"] == AGAIN_IN_FLIGHT for line in lines):
            await broker.requests.reach("ReceiveMessage", broker.requests.counts["ReceiveMessage"] + 1)


def consumer_of(
    broker: Broker,
    work: MessageHandler,
    policy: RetryPolicy = AT_ONCE,
    retry_waits_seconds: Sequence[float] = SQS_RETRY_WAITS_SECONDS,
    clock: Clock = this_moment,
    **settings: Any,
) -> Consumer:
    return Consumer(
        broker.queues["calculation"],
        broker.queues["calculation-dlq"],
        work,
        policy,
        WorkerSettings(**broker.environment, sqs_wait_time_seconds=1, **settings),
        retry_waits_seconds=retry_waits_seconds,
        clock=clock,
    )


async def test_a_message_is_acknowledged_when_its_handler_has_returned_and_not_before(broker: Broker) -> None:
    await broker.queues["calculation"].send("body")
    work = Work(held=True)

    async with running(consumer_of(broker, work)):
        await work.has_begun(1)
        assert await broker.in_queue("calculation") == (0, 1)
        assert broker.requests.counts["DeleteMessageBatch"] == 0
        work.let_go.set()

    assert await broker.in_queue("calculation") == (0, 0)
    assert [message.body for message in work.begun] == ["body"]


async def test_a_message_that_fails_is_tried_max_attempts_times_and_then_dead_lettered(broker: Broker) -> None:
    await broker.queues["calculation"].send("body")
    work = Work(error=ValueError("no\x00"))

    async with running(consumer_of(broker, work)):
        [dead] = await broker.take("calculation-dlq")

    assert [message.receive_count for message in work.begun] == [1, 2, 3]
    assert dead.body == "body"
    trace = dead.attributes["trace"]
    assert dead.attributes == {
        "reason": "ValueError: no\ufffd",
        "attempts": "3",
        "source_queue": "calculation",
        "trace": trace,
    }
    assert trace.startswith("Traceback")
    assert trace.endswith("ValueError: no\ufffd\n")
    assert await broker.in_queue("calculation") == (0, 0)


async def test_an_attempt_of_which_this_worker_knows_nothing_is_not_passed_over(broker: Broker) -> None:
    await broker.queues["calculation"].send("body")
    # A worker that is lost in the first attempt.
    await broker.queues["calculation"].receive(1, wait_seconds=5, visibility_timeout_seconds=0)

    async with running(consumer_of(broker, Work(error=ValueError("no")))):
        [dead] = await broker.take("calculation-dlq")

    assert dead.attributes["reason"] == f"attempts 2 to 3: ValueError: no; attempt 1: {NOT_KNOWN}"


async def test_what_is_given_up_in_a_dead_letter_queue_keeps_the_trace_of_the_work(broker: Broker) -> None:
    attributes = {"reason": "no", "attempts": "3", "source_queue": "calculation", "trace": "Traceback: no"}
    await broker.queues["calculation-dlq"].send("body", attributes)

    async def give_up(_message: ReceivedMessage) -> None:
        raise PermanentError("nobody can be notified", attempts=3)

    dlq, undelivered = broker.queues["calculation-dlq"], broker.queues["undelivered"]
    settings = WorkerSettings(**broker.environment, sqs_wait_time_seconds=1)
    async with running(Consumer(dlq, undelivered, give_up, RetryPolicy(None, (0,)), settings)):
        [kept] = await broker.take("undelivered")

    assert kept.attributes["sent_at_ms"].isdecimal()
    added = {"reason": "nobody can be notified", "sent_at_ms": kept.attributes["sent_at_ms"]}
    assert kept.attributes == attributes | added


async def test_a_message_that_is_delivered_twice_is_worked_once_and_settled_by_the_newer_receipt(
    broker: Broker,
) -> None:
    await broker.queues["calculation"].send("body")
    work = Work(held=True)

    async with running(consumer_of(broker, work)):
        await work.has_begun(1)
        await receive_again(broker, work.begun[0])
        work.let_go.set()

    assert len(work.begun) == 1
    assert await broker.in_queue("calculation") == (0, 0)


async def test_what_is_counted_while_an_attempt_runs_counts_for_its_decision(broker: Broker) -> None:
    await broker.queues["calculation"].send("body")
    work = Work(held=True, error=ValueError("no"))

    async with running(consumer_of(broker, work)):
        await work.has_begun(1)
        await receive_again(broker, work.begun[0])
        await receive_again(broker, work.begun[0])
        work.let_go.set()
        # SQS has counted three receives, and would move it without a reason at the next one.
        [dead] = await broker.take("calculation-dlq")

    assert len(work.begun) == 1
    assert dead.attributes["attempts"] == "3"
    assert dead.attributes["reason"].startswith("attempt 3: ValueError: no; ")


@pytest.mark.parametrize(("error", "dead"), [(None, 0), (PermanentError("garbage"), 1)], ids=["done", "dead"])
async def test_what_was_decided_is_carried_out_once_when_its_message_could_not_be_deleted(
    broker: Broker, error: Exception | None, dead: int
) -> None:
    await broker.queues["calculation"].send("body")
    work = Work(error=error)
    failures = Failures(broker, "DeleteMessageBatch", 1)

    async with running(consumer_of(broker, work, retry_waits_seconds=())):
        await failures.next()
        await show_again(broker, work.begun[0])
        await failures.are_over()

    assert len(work.begun) == 1
    assert await broker.in_queue("calculation") == (0, 0)
    assert await broker.in_queue("calculation-dlq") == (dead, 0)


async def test_what_is_left_to_do_for_a_task_that_is_decided_is_logged_with_its_task(broker: Broker) -> None:
    await broker.queues["calculation"].send("body")
    failures = Failures(broker, "SendMessageBatch", 2)
    begun: list[ReceivedMessage] = []

    async def fail(message: ReceivedMessage) -> None:
        log_context.bind(task_id="task-1")
        begun.append(message)
        raise PermanentError("garbage")

    with capture_logs(processors=[log_context.merge]) as lines:
        async with running(consumer_of(broker, fail, retry_waits_seconds=())):
            for _ in range(2):
                await failures.next()
                await show_again(broker, begun[0])
            await failures.are_over()

    assert [line["task_id"] for line in lines if line["event"] == "dead-lettered"] == ["task-1"] * 3


async def test_a_message_that_could_not_be_dead_lettered_keeps_its_reason_for_the_next_try(broker: Broker) -> None:
    await broker.queues["calculation"].send("body")
    work = Work(error=PermanentError("garbage"))
    failures = Failures(broker, "SendMessageBatch", 1)

    async with running(consumer_of(broker, work, retry_waits_seconds=())):
        await failures.next()
        await show_again(broker, work.begun[0])
        [dead] = await broker.take("calculation-dlq")

    assert len(work.begun) == 1
    assert dead.attributes["reason"] == "garbage"
    assert await broker.in_queue("calculation") == (0, 0)


async def test_a_message_that_was_purged_while_it_was_worked_is_logged_once_and_not_said_to_come_again(
    broker: Broker,
) -> None:
    await broker.queues["calculation"].send("body")
    work = Work(held=True, error=ValueError("no"))

    with capture_logs() as lines:
        async with running(consumer_of(broker, work)):
            await work.has_begun(1)
            await broker.purge("calculation")
            work.let_go.set()
            await broker.requests.reach("ChangeMessageVisibilityBatch", 1)

    assert broker.requests.counts["ChangeMessageVisibilityBatch"] == 1
    events = [line["event"] for line in lines]
    assert log_events.NOT_RETURNED in events
    assert not any("again" in event for event in events)


async def test_a_purged_message_has_no_heartbeat_and_its_outcome_is_none_the_worse(broker: Broker) -> None:
    await broker.queues["calculation"].send("body")
    work = Work(held=True)

    with capture_logs() as lines:
        async with running(consumer_of(broker, work, heartbeat_seconds=0.1)):
            await work.has_begun(1)
            await broker.purge("calculation")
            logged = "the message is not in flight any more; its work goes on"
            while not any(line["event"] == logged for line in lines):  # noqa: ASYNC110  # nothing announces it
                await asyncio.sleep(0.05)
            work.let_go.set()

    assert work.ended == 1
    assert not any(line["event"] == "heartbeat failed" for line in lines)
    assert not any("not settled" in line["event"] for line in lines)


async def test_a_heartbeat_that_fails_is_followed_by_the_next(broker: Broker) -> None:
    await broker.queues["calculation"].send("body")
    work = Work(held=True)
    failures = Failures(broker, "ChangeMessageVisibilityBatch", 2)

    with capture_logs() as lines:
        async with running(consumer_of(broker, work, visibility_timeout_seconds=5, heartbeat_seconds=0.5)):
            await work.has_begun(1)
            await failures.are_over()
            # In all, the beats take longer than the visibility timeout.
            await broker.requests.reach("ChangeMessageVisibilityBatch", 12)
            work.let_go.set()

    assert AGAIN_IN_FLIGHT not in {line["event"] for line in lines}
    assert len(work.begun) == 1
    assert await broker.in_queue("calculation") == (0, 0)


async def test_what_fails_after_too_long_a_suspend_is_neither_returned_nor_reported_and_comes_again(
    broker: Broker, jumping_clock: JumpingClock
) -> None:
    await broker.queues["calculation"].send("body")
    work = Work(held=True, error=ValueError("no"))
    consumer = consumer_of(
        broker, work, ONCE, clock=jumping_clock.now, visibility_timeout_seconds=2, heartbeat_seconds=1
    )

    with capture_logs() as lines:
        async with running(consumer):
            await work.has_begun(1)
            jumping_clock.suspend(2)
            work.let_go.set()
            [dead] = await broker.take("calculation-dlq")

    [dropped] = [line for line in lines if line["event"] == log_events.DROPPED]
    assert dropped["reason"].startswith("ValueError: no; SQS has had no sign of life of the worker for 2 seconds")
    # What has become of it is known, so it is not begun with care.
    assert "nothing is known here of its last attempt" not in {line["event"] for line in lines}
    assert [message.receive_count for message in work.begun] == [1, int(dead.attributes["attempts"])]
    assert await broker.in_queue("calculation") == (0, 0)


async def test_no_more_messages_are_in_flight_than_there_are_slots(broker: Broker) -> None:
    await asyncio.gather(*(broker.queues["calculation"].send(str(number)) for number in range(8)))
    work = Work(held=True)

    async with running(consumer_of(broker, work, worker_concurrency=3)):
        await work.has_begun(3)
        # The others stay in the queue, for another worker to take.
        assert await broker.in_queue("calculation") == (5, 3)
        work.let_go.set()
        await work.has_begun(8)

    assert work.most_in_flight == 3
    assert sorted(message.body for message in work.begun) == list("01234567")
    assert await broker.in_queue("calculation") == (0, 0)


async def test_the_heartbeat_keeps_a_long_task_from_being_received_again(broker: Broker) -> None:
    await broker.queues["calculation"].send("body")
    work = Work(held=True)

    with capture_logs() as lines:
        async with running(consumer_of(broker, work, visibility_timeout_seconds=5, heartbeat_seconds=0.5)):
            await work.has_begun(1)
            # The beats take longer than the visibility timeout.
            await broker.requests.reach("ChangeMessageVisibilityBatch", 12)
            work.let_go.set()

    assert AGAIN_IN_FLIGHT not in {line["event"] for line in lines}
    assert len(work.begun) == 1
    assert await broker.in_queue("calculation") == (0, 0)


async def test_a_stopping_consumer_finishes_what_is_in_flight_and_receives_no_more(broker: Broker) -> None:
    await broker.queues["calculation"].send("in flight")
    work = Work(held=True)

    async with running(consumer_of(broker, work, worker_concurrency=1)) as stop:
        await work.has_begun(1)
        await broker.queues["calculation"].send("left")
        stop.set()
        work.let_go.set()

    assert [message.body for message in work.begun] == ["in flight"]
    [left] = await broker.take("calculation")
    assert (left.body, left.receive_count) == ("left", 1)


async def test_an_attempt_that_outlasts_the_drain_returns_to_the_queue(broker: Broker) -> None:
    await broker.queues["calculation"].send("body")
    work = Work(held=True)

    async with running(consumer_of(broker, work, drain_timeout_seconds=0.1)) as stop:
        await work.has_begun(1)
        stop.set()

    [returned] = await broker.take("calculation")
    assert (returned.body, returned.receive_count) == ("body", 2)


async def test_a_last_attempt_that_outlasts_the_drain_is_dead_lettered(broker: Broker) -> None:
    await broker.queues["calculation"].send("body")
    work = Work(held=True)

    async with running(consumer_of(broker, work, ONCE, drain_timeout_seconds=0)) as stop:
        await work.has_begun(1)
        stop.set()

    [dead] = await broker.take("calculation-dlq")
    assert dead.attributes == {
        "reason": "the worker was stopped before the attempt was done",
        "attempts": "1",
        "source_queue": "calculation",
    }
    assert await broker.in_queue("calculation") == (0, 0)


async def test_a_broker_that_is_not_there_does_not_end_a_consumer(broker: Broker, closed_port: int) -> None:
    settings = WorkerSettings(aws_endpoint_url=HttpUrl(f"http://127.0.0.1:{closed_port}"), sqs_wait_time_seconds=1)
    async with open_sqs(settings) as client:
        requests = Requests()
        note_calls(client, requests.note)
        queue = Queue(client, broker.definitions["calculation"])
        brokerless = Consumer(queue, queue, Work(), AT_ONCE, settings)
        async with running(brokerless):
            # What is called twice has survived the first refusal.
            await requests.reach("GetQueueUrl", 2)
            assert brokerless.unready_reason() == "calculation: no successful receive yet"


async def test_a_consumer_goes_on_when_its_queue_is_there_at_last(unprovisioned: Broker) -> None:
    work = Work()
    early = consumer_of(unprovisioned, work)
    async with running(early):
        await unprovisioned.requests.reach("GetQueueUrl", 1)
        for name in ("undelivered", "calculation-dlq", "calculation"):
            await unprovisioned.create(name)
        await unprovisioned.queues["calculation"].send("body")
        await work.has_begun(1)
        assert early.unready_reason() is None

    assert await unprovisioned.in_queue("calculation") == (0, 0)
