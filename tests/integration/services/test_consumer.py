"""How a queue is consumed, on a real LocalStack."""

import asyncio
from typing import Any

from pydantic import HttpUrl

from services.consumer import Consumer
from services.decisions import PermanentError, RetryPolicy
from services.settings import WorkerSettings
from services.sqs import Queue, ReceivedMessage, open_sqs
from tests.integration.services.conftest import PATIENCE_SECONDS, Broker, Requests, running, take

AT_ONCE = RetryPolicy(3, (0,))
ONCE = RetryPolicy(1, (0,))


class Work:
    """A message handler that notes what it is given, and does with it what it is told."""

    def __init__(self, *, held: bool = False, error: Exception | None = None) -> None:
        self.begun: list[ReceivedMessage] = []
        self.ended = 0
        self.most_in_hand = 0
        self.let_go = asyncio.Event()
        self._error = error
        self._changed = asyncio.Condition()
        if not held:
            self.let_go.set()

    async def __call__(self, message: ReceivedMessage) -> None:
        async with self._changed:
            self.begun.append(message)
            self.most_in_hand = max(self.most_in_hand, len(self.begun) - self.ended)
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


def consumer_of(broker: Broker, work: Work, policy: RetryPolicy = AT_ONCE, **settings: Any) -> Consumer:
    return Consumer(
        broker.queues["calculation"],
        broker.queues["calculation-dlq"],
        work,
        policy,
        WorkerSettings(**broker.environment, sqs_wait_time_seconds=1, **settings),
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
    assert dead.attributes == {"reason": "ValueError: no\ufffd", "attempts": "3"}
    assert await broker.in_queue("calculation") == (0, 0)


async def test_a_message_that_can_never_succeed_is_dead_lettered_at_once(broker: Broker) -> None:
    await broker.queues["calculation"].send("body")
    work = Work(error=PermanentError("garbage"))

    async with running(consumer_of(broker, work)):
        [dead] = await broker.take("calculation-dlq")

    assert len(work.begun) == 1
    assert dead.attributes == {"reason": "garbage", "attempts": "1"}
    assert await broker.in_queue("calculation") == (0, 0)


async def test_a_failure_that_is_retried_waits_in_the_queue(broker: Broker) -> None:
    await broker.queues["calculation"].send("body")
    work = Work(error=ValueError("no"))

    async with running(consumer_of(broker, work, RetryPolicy(3, (600,)))):
        await broker.requests.reach("ChangeMessageVisibilityBatch", 1)

    assert len(work.begun) == 1
    assert await broker.in_queue("calculation") == (0, 1)
    assert await broker.in_queue("calculation-dlq") == (0, 0)


async def test_no_more_messages_are_in_hand_than_there_are_slots(broker: Broker) -> None:
    await asyncio.gather(*(broker.queues["calculation"].send(str(number)) for number in range(8)))
    work = Work(held=True)

    async with running(consumer_of(broker, work, worker_concurrency=3)):
        await work.has_begun(3)
        # The others stay in the queue, for another worker to take.
        assert await broker.in_queue("calculation") == (5, 3)
        work.let_go.set()
        await work.has_begun(8)

    assert work.most_in_hand == 3
    assert sorted(message.body for message in work.begun) == list("01234567")
    assert await broker.in_queue("calculation") == (0, 0)


async def test_the_heartbeat_keeps_a_long_task_from_being_received_again(broker: Broker) -> None:
    await broker.queues["calculation"].send("body")
    work = Work(held=True)

    async with running(consumer_of(broker, work, visibility_timeout_seconds=2, heartbeat_seconds=0.5)):
        await work.has_begun(1)
        # Eight beats take twice as long as the visibility timeout.
        await broker.requests.reach("ChangeMessageVisibilityBatch", 8)
        work.let_go.set()

    assert [message.receive_count for message in work.begun] == [1]
    assert await broker.in_queue("calculation") == (0, 0)


async def test_a_worker_that_is_lost_leaves_its_message_to_be_received_again(broker: Broker) -> None:
    await broker.queues["calculation"].send("body")
    lost = Work(held=True)
    running_consumer = asyncio.create_task(
        consumer_of(broker, lost, visibility_timeout_seconds=2, heartbeat_seconds=1).run(asyncio.Event())
    )
    await lost.has_begun(1)
    # The consumer and its heartbeat end at once, the message is not given back.
    running_consumer.cancel()
    await asyncio.wait({running_consumer})

    work = Work()
    async with running(consumer_of(broker, work)):
        await work.has_begun(1)
    lost.let_go.set()

    assert work.begun[0].receive_count == 2


async def test_a_stopping_consumer_finishes_what_is_in_hand_and_receives_no_more(broker: Broker) -> None:
    await broker.queues["calculation"].send("in hand")
    work = Work(held=True)

    async with running(consumer_of(broker, work, worker_concurrency=1)) as stop:
        await work.has_begun(1)
        await broker.queues["calculation"].send("left")
        stop.set()
        work.let_go.set()

    assert [message.body for message in work.begun] == ["in hand"]
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
    assert dead.attributes == {"reason": "the worker was stopped before the attempt was done", "attempts": "1"}
    assert await broker.in_queue("calculation") == (0, 0)


async def test_two_consumers_of_a_queue_share_its_messages(broker: Broker) -> None:
    await asyncio.gather(*(broker.queues["calculation"].send(str(number)) for number in range(20)))
    first, second = Work(held=True), Work(held=True)

    async with running(
        consumer_of(broker, first, worker_concurrency=10), consumer_of(broker, second, worker_concurrency=10)
    ):
        await first.has_begun(10)
        await second.has_begun(10)
        first.let_go.set()
        second.let_go.set()

    assert sorted(int(message.body) for message in first.begun + second.begun) == list(range(20))


async def test_a_broker_that_is_not_there_does_not_end_a_consumer(broker: Broker, closed_port: int) -> None:
    settings = WorkerSettings(aws_endpoint_url=HttpUrl(f"http://127.0.0.1:{closed_port}"), sqs_wait_time_seconds=1)
    async with open_sqs(settings) as client:
        requests = Requests()
        client.meta.events.register("before-call.sqs", requests.note)
        queue = Queue(client, broker.definitions["calculation"])
        consumer = Consumer(queue, queue, Work(), AT_ONCE, settings)
        async with running(consumer):
            # What is called twice has survived the first refusal.
            await requests.reach("GetQueueUrl", 2)
            assert consumer.unready_reason() == "calculation: no successful receive yet"


async def test_a_consumer_goes_on_when_its_queue_is_there_at_last(unprovisioned: Broker) -> None:
    work = Work()
    consumer = consumer_of(unprovisioned, work)
    async with running(consumer):
        await unprovisioned.requests.reach("GetQueueUrl", 1)
        for name in ("undelivered", "calculation-dlq", "calculation"):
            await unprovisioned.create(name)
        await unprovisioned.queues["calculation"].send("body")
        await work.has_begun(1)
        assert consumer.unready_reason() is None

    assert await unprovisioned.in_queue("calculation") == (0, 0)


async def test_sqs_dead_letters_what_its_workers_never_settled(broker: Broker) -> None:
    queue = broker.queues["data"]
    await queue.send("body")
    await queue.receive(1, wait_seconds=5, visibility_timeout_seconds=0)

    assert await queue.receive(1, wait_seconds=1, visibility_timeout_seconds=0) == []
    [dead] = await take(broker.queues["data-dlq"], 1)
    assert (dead.body, dead.attributes) == ("body", {})
