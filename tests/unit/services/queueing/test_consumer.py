"""What becomes of every message, whatever its attempts do and whichever calls on SQS fail: on a model of a queue."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs
from types_aiobotocore_sqs import SQSClient

from bench.scaling.simulated_sqs import SimulatedSqs
from services.errors import PermanentError, RetryLaterError
from services.queueing.attempt import MessageHandler
from services.queueing.consumer import Consumer
from services.queueing.cut_short import TaskTimeoutError
from services.queueing.decisions import RetryPolicy
from services.queueing.definition import QueueDefinition
from services.queueing.idle_rest import IDLE_AFTER_SECONDS, REST_SECONDS, IdleRest
from services.queueing.message import ReceivedMessage
from services.queueing.queue import Queue
from services.telemetry.tracing import Destination
from services.worker.settings import WorkerSettings
from tests.virtual_time import in_virtual_time

Attempt = Literal["succeeds", "fails", "fails for good", "has to wait"]

MAX_ATTEMPTS = 3
LINGER_SECONDS = 300.0
# Counted in receives: a model has no clock.
VISIBILITY_TIMEOUT = 10
ERRORS: dict[Attempt, Exception] = {
    "fails": ValueError("no"),
    "fails for good": PermanentError("never"),
    "has to wait": RetryLaterError("busy", 0),
}

scripts = st.lists(
    st.lists(
        st.sampled_from(["succeeds", "fails", "fails for good", "has to wait"]),
        min_size=MAX_ATTEMPTS,
        max_size=MAX_ATTEMPTS,
    ),
    min_size=1,
    max_size=5,
)
broken_calls = st.lists(st.booleans(), max_size=40)


@dataclass
class ModelQueue:
    """A standard queue with a redrive policy, whose calls fail as they are set to, and which delivers twice at times.

    A message that nobody works and nobody settled is visible again when a while has passed: its visibility timeout.
    """

    bodies: list[str]
    broken: Iterator[bool]
    repeats: Iterator[bool]
    stop: asyncio.Event
    definition: QueueDefinition = field(
        default_factory=lambda: QueueDefinition("q", "worker", MAX_ATTEMPTS, "q-dlq", None, 1)
    )
    destination: Destination = Destination("q", "q", "http://sqs.invalid")  # noqa: RUF009  # it is immutable
    name: str = "q"
    max_receives: int = MAX_ATTEMPTS
    receive_counts: Counter[str] = field(default_factory=Counter)
    moved_by_sqs: list[str] = field(default_factory=list)
    dead: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    in_attempt: set[str] = field(default_factory=set)
    idle_receives: int = 0

    def __post_init__(self) -> None:
        self.left = list(self.bodies)
        self.visible = list(self.bodies)

    async def receive(self, most: int, **_options: Any) -> list[ReceivedMessage]:
        await asyncio.sleep(0)
        if not self.left:
            self.stop.set()
            return []
        self.idle_receives = 0 if self.visible else self.idle_receives + 1
        if self.idle_receives and self.idle_receives % VISIBILITY_TIMEOUT == 0:
            self.visible = [body for body in self.left if body not in self.in_attempt]
        elif not self.visible:
            self.visible = [body for body in self.in_attempt if next(self.repeats, False)]
        taken, self.visible = self.visible[:most], self.visible[most:]
        return [message for body in taken if (message := self._deliver(body))]

    def _deliver(self, body: str) -> ReceivedMessage | None:
        self.receive_counts[body] += 1
        if self.receive_counts[body] > MAX_ATTEMPTS:
            self.left.remove(body)
            self.moved_by_sqs.append(body)
            return None
        return ReceivedMessage(body, body, self._handle(body), self.receive_counts[body], 0, {})

    async def delete(self, message: ReceivedMessage) -> None:
        self._call()
        # By an older receipt handle SQS may delete the message, or not.
        if message.receipt_handle == self._handle(message.body) and message.body in self.left:
            self.left.remove(message.body)
            self.deleted.append(message.body)

    def _handle(self, body: str) -> str:
        return f"{body}-{self.receive_counts[body]}"

    async def change_visibility(self, message: ReceivedMessage, _timeout_seconds: int) -> None:
        self._call()
        self.visible.append(message.body)

    async def forward(self, message: ReceivedMessage, attributes: Mapping[str, str], **_options: Any) -> None:
        self._call()
        self.dead.append((message.body, attributes))

    def settle_at_once(self) -> None:
        """Nothing lingers here."""

    def _call(self) -> None:
        if next(self.broken, False):
            raise ConnectionError("the broker is away")


def consumer_of(queue: ModelQueue, handle: MessageHandler, policy: RetryPolicy, settings: WorkerSettings) -> Consumer:
    return Consumer(cast(Queue, queue), cast(Queue, queue), handle, policy, settings, retry_waits_seconds=())


async def consume(queue: ModelQueue, script: Mapping[str, list[Attempt]]) -> list[tuple[str, Attempt]]:
    """Consume until the queue is empty; return what was attempted, and how it ended."""
    attempted: list[tuple[str, Attempt]] = []

    async def handle(message: ReceivedMessage) -> None:
        queue.in_attempt.add(message.body)
        attempt = script[message.body][sum(body == message.body for body, _ in attempted)]
        attempted.append((message.body, attempt))
        await asyncio.sleep(0)
        assert message.body not in queue.deleted, "acknowledged before the work was done"
        queue.in_attempt.discard(message.body)
        if attempt != "succeeds":
            raise ERRORS[attempt]

    worker = consumer_of(queue, handle, RetryPolicy(MAX_ATTEMPTS, (0,)), WorkerSettings())
    with capture_logs():
        async with asyncio.timeout(30):
            await worker.run(queue.stop)
    return attempted


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(scripts, broken_calls, st.lists(st.booleans(), max_size=20))
# It cannot be deleted.
@example([["succeeds", "fails", "fails"]], [True], [])
# It cannot be dead-lettered, and then not be deleted.
@example([["fails for good", "fails", "fails"]], [True, False, True], [])
# It is delivered again while it is worked.
@example([["fails", "fails", "succeeds"]], [], [True, True])
def test_no_message_is_lost_or_acknowledged_too_early_whatever_fails(
    attempts: list[list[Attempt]], broken: list[bool], repeats: list[bool]
) -> None:
    script = {str(number): script for number, script in enumerate(attempts)}

    async def run() -> tuple[ModelQueue, list[tuple[str, Attempt]]]:
        queue = ModelQueue(list(script), iter(broken), iter(repeats), asyncio.Event())
        return queue, await consume(queue, script)

    queue, attempted = asyncio.run(run())

    if not any(broken) and not any(repeats):
        assert queue.moved_by_sqs == [], "left to SQS, which says no reason"
    dead = {body for body, _attributes in queue.dead}
    for body in script:
        results = [attempt for attempted_body, attempt in attempted if attempted_body == body]
        assert 1 <= len(results) <= MAX_ATTEMPTS
        succeeded = results[-1] == "succeeds"
        assert "succeeds" not in results[:-1], "done again"
        assert "fails for good" not in results[:-1], "tried again"
        # Done, or dead, or moved by SQS because no call of this consumer's came through.
        assert succeeded or body in dead or body in queue.moved_by_sqs
        assert not (succeeded and body in dead), "reported as failed, and done"
        reports = sum(body == dead_body for dead_body, _attributes in queue.dead)
        assert reports <= 1
        if body not in queue.moved_by_sqs:
            assert body in queue.deleted
            assert reports == (not succeeded)
    for body, attributes in queue.dead:
        last = [attempt for attempted_body, attempt in attempted if attempted_body == body][-1]
        assert str(ERRORS[last]) in attributes["reason"].split(";")[0]


@dataclass
class SlowlyDeletingQueue(ModelQueue):
    """Takes many beats' time for a delete, which fails where a beat crosses it."""

    beats: int = 0
    beaten: asyncio.Event = field(default_factory=asyncio.Event)

    async def change_visibility(self, _message: ReceivedMessage, _timeout_seconds: int) -> None:
        self.beats += 1
        self.beaten.set()

    async def delete(self, message: ReceivedMessage) -> None:
        before = self.beats
        await asyncio.sleep(0.05)
        assert self.beats == before
        await super().delete(message)


async def test_no_beat_crosses_the_delete_of_its_message() -> None:
    queue = SlowlyDeletingQueue(["0"], iter([]), iter([]), asyncio.Event())
    settings = WorkerSettings(heartbeat_seconds=0.001)

    async def handle(message: ReceivedMessage) -> None:
        queue.in_attempt.add(message.body)
        await queue.beaten.wait()

    await asyncio.wait_for(consumer_of(queue, handle, RetryPolicy(1, (0,)), settings).run(queue.stop), 30)

    assert queue.deleted == ["0"]


async def test_work_that_goes_on_behind_its_timeout_keeps_its_slot_and_holds_up_no_stop() -> None:
    queue = ModelQueue(["0"], iter([]), iter([]), asyncio.Event())
    let_go = asyncio.Event()
    left_running: list[asyncio.Task[Any]] = []

    async def handle(_message: ReceivedMessage) -> None:
        left_running.append(asyncio.create_task(let_go.wait()))
        raise TaskTimeoutError("too long", left_running[0])

    settings = WorkerSettings(worker_concurrency=1)
    worker = consumer_of(queue, handle, RetryPolicy(1, (0,)), settings)
    running = asyncio.create_task(worker.run(queue.stop))
    async with asyncio.timeout(30):
        while not queue.deleted:  # noqa: ASYNC110  # nothing announces a consumer's work
            await asyncio.sleep(0)
        assert [attributes["reason"] for _body, attributes in queue.dead] == ["TaskTimeoutError: too long"]
        assert worker.describe_work()["busy"] == worker.describe_work()["left_running"] == 1
        assert "every slot is held by a task that ignored its timeout" in str(worker.unready_reason())

        queue.left.append("1")
        let_go.set()
        await asyncio.wait(left_running)
        await asyncio.sleep(0)
        assert worker.describe_work()["busy"] == 0
        assert worker.unready_reason() is None
        queue.stop.set()
        await running


@in_virtual_time
async def test_a_consumer_is_ready_while_no_receive_is_due_and_for_the_time_of_the_next_one() -> None:
    sqs = SimulatedSqs(0.01, random.Random(1))  # noqa: S311  # a model
    queue = Queue(cast(SQSClient, sqs), QueueDefinition("q", "worker", 3, "q-dlq", None, 1))
    settings = WorkerSettings.model_construct(worker_concurrency=1)
    busy_seconds, wait_seconds = 500, settings.sqs_wait_time_seconds

    async def work(_message: ReceivedMessage) -> None:
        await asyncio.sleep(busy_seconds)

    worker = Consumer(queue, queue, work, RetryPolicy(3, (0,)), settings)
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stop))
    await asyncio.sleep(1)
    assert worker.unready_reason() is None or "no successful receive yet" in str(worker.unready_reason())
    await queue.send("body")
    reasons = set()
    for _ in range(busy_seconds + 3 * wait_seconds):
        await asyncio.sleep(1)
        reasons.add(worker.unready_reason())
    assert reasons == {None}

    sqs.round_trip_seconds = 10_000
    await asyncio.sleep(3 * wait_seconds + 10)
    assert "no receive has succeeded for" in str(worker.unready_reason())
    stop.set()
    await running


@dataclass
class Lingering:
    """A consumer on a simulated queue whose deletes wait for a batch; what it works takes no time."""

    slots: int
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    sqs: SimulatedSqs = field(default_factory=lambda: SimulatedSqs(0.01, random.Random(1)))  # noqa: S311  # a model
    worked: int = 0

    async def run(self) -> None:
        queue = Queue(
            cast(SQSClient, self.sqs),
            QueueDefinition("q", "worker", MAX_ATTEMPTS, "q-dlq", None, 1),
            delete_linger_seconds=LINGER_SECONDS,
        )
        settings = WorkerSettings.model_construct(worker_concurrency=self.slots)
        await Consumer(queue, queue, self._work, RetryPolicy(MAX_ATTEMPTS, (0,)), settings).run(self.stop)

    async def _work(self, _message: ReceivedMessage) -> None:
        self.worked += 1


@in_virtual_time
async def test_a_consumer_that_stops_waits_for_no_batch_of_deletes() -> None:
    lingering = Lingering(slots=50)
    lingering.sqs.fill(3)
    running = asyncio.create_task(lingering.run())
    await asyncio.sleep(1)
    assert (lingering.worked, lingering.sqs.deletions) == (3, [])

    lingering.stop.set()
    await lingering.sqs.until_deleted(3)

    assert lingering.sqs.deletions[-1] < 1 + 2 * lingering.sqs.round_trip_seconds
    await running


@in_virtual_time
@pytest.mark.parametrize("slots", [1, 5, 50])
async def test_deletes_that_wait_for_a_batch_keep_no_message_from_being_begun(slots: int) -> None:
    lingering = Lingering(slots)
    lingering.sqs.fill(95)
    running = asyncio.create_task(lingering.run())

    await asyncio.sleep(LINGER_SECONDS / 2)

    assert lingering.worked == 95
    assert lingering.sqs.requests["DeleteMessageBatch"] == len(lingering.sqs.deletions) / 10 == 9
    lingering.stop.set()
    await running


@dataclass
class Seldom:
    """A consumer of a queue to which only its own process sends, and when what was sent has come to it."""

    rest: IdleRest = field(default_factory=IdleRest)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    sqs: SimulatedSqs = field(default_factory=lambda: SimulatedSqs(0.01, random.Random(1)))  # noqa: S311  # a model
    come_at: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.queue = Queue(cast(SQSClient, self.sqs), QueueDefinition("q", "worker", None, None, None, 1))
        self.consumer = Consumer(
            self.queue,
            self.queue,
            self._work,
            RetryPolicy(None, (0,)),
            WorkerSettings.model_construct(),
            idle_rest=self.rest,
        )

    async def _work(self, _message: ReceivedMessage) -> None:
        self.come_at.append(asyncio.get_running_loop().time())

    async def send(self) -> None:
        await self.queue.send("")
        self.rest.end()

    async def polls_in(self, seconds: float) -> int:
        before = self.sqs.requests["ReceiveMessage"]
        await asyncio.sleep(seconds)
        return self.sqs.requests["ReceiveMessage"] - before


@in_virtual_time
async def test_a_queue_to_which_only_this_process_sends_is_polled_seldom_when_nothing_has_come_for_hours() -> None:
    seldom = Seldom()
    running = asyncio.create_task(seldom.consumer.run(seldom.stop))
    wait = WorkerSettings.model_construct().sqs_wait_time_seconds

    assert await seldom.polls_in(IDLE_AFTER_SECONDS) == pytest.approx(IDLE_AFTER_SECONDS / wait, abs=2)
    assert await seldom.polls_in(40 * (REST_SECONDS + wait)) == pytest.approx(40, abs=2)

    assert seldom.consumer.unready_reason() is None
    seldom.stop.set()
    await asyncio.wait_for(running, wait + 1)


@in_virtual_time
async def test_what_is_sent_finds_a_poll_at_once_however_long_nothing_has_come_and_so_does_what_comes_back() -> None:
    seldom = Seldom()
    running = asyncio.create_task(seldom.consumer.run(seldom.stop))

    for idle_seconds in (3 * IDLE_AFTER_SECONDS, IDLE_AFTER_SECONDS / 2, IDLE_AFTER_SECONDS + REST_SECONDS / 2):
        await asyncio.sleep(idle_seconds)
        sent_at = asyncio.get_running_loop().time()
        await seldom.send()
        await asyncio.sleep(1)
        assert seldom.come_at[-1] == pytest.approx(sent_at, abs=5 * seldom.sqs.round_trip_seconds)
        # By somebody else, as a retry comes back.
        await asyncio.sleep(IDLE_AFTER_SECONDS - 60)
        seldom.sqs.fill(1)
        back_at = asyncio.get_running_loop().time()
        await asyncio.sleep(1)
        assert seldom.come_at[-1] == pytest.approx(back_at, abs=5 * seldom.sqs.round_trip_seconds)

    seldom.stop.set()
    await running


@in_virtual_time
async def test_a_consumer_that_rests_is_ready_all_the_while() -> None:
    seldom = Seldom()
    running = asyncio.create_task(seldom.consumer.run(seldom.stop))
    await asyncio.sleep(IDLE_AFTER_SECONDS)

    reasons = set()
    for _ in range(round(3 * REST_SECONDS)):
        await asyncio.sleep(1)
        reasons.add(seldom.consumer.unready_reason())

    assert reasons == {None}
    seldom.stop.set()
    await running


async def test_what_is_in_flight_is_described_with_whether_it_takes_a_slot_or_is_being_settled() -> None:
    described: list[tuple[int, list[bool]]] = []

    def note() -> None:
        work = consumer_under_test.describe_work()
        described.append((work["busy"], [in_flight["settling"] for in_flight in work["in_flight"]]))

    class WatchedQueue(ModelQueue):
        async def delete(self, message: ReceivedMessage) -> None:
            note()
            await super().delete(message)

    async def handle(_message: ReceivedMessage) -> None:
        note()

    queue = WatchedQueue(["0"], iter([]), iter([]), asyncio.Event())
    consumer_under_test = consumer_of(queue, handle, RetryPolicy(1, (0,)), WorkerSettings())
    await asyncio.wait_for(consumer_under_test.run(queue.stop), 30)
    note()

    assert described == [(1, [False]), (0, [True]), (0, [])]
