"""What kills its worker uses up its own attempts and nobody else's: on a model of SQS, with workers that die."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from structlog.testing import capture_logs
from types_aiobotocore_sqs import SQSClient

from bench.scaling.simulated_sqs import SimulatedSqs
from bench.scaling.virtual_time import run_in_virtual_time
from services.primitives.sqs_limits import MAX_RECEIVED_MESSAGES
from services.queueing.caution import Caution
from services.queueing.consumer import Consumer
from services.queueing.decisions import RetryPolicy
from services.queueing.definition import QueueDefinition
from services.queueing.message import ReceivedMessage
from services.queueing.queue import Queue
from services.worker.settings import WorkerSettings

SETTINGS = WorkerSettings.model_construct()
SLOTS = SETTINGS.worker_concurrency
RETURN_SECONDS = SETTINGS.visibility_timeout_seconds + SETTINGS.sqs_wait_time_seconds
RESTART_SECONDS = 2
ROUND_TRIP_SECONDS = 0.01
KILLS = "kills its worker"


class Connection:
    """A process's way to SQS, which ends with the process."""

    def __init__(self, sqs: SimulatedSqs) -> None:
        self._sqs = sqs
        self.meta = sqs.meta
        self.is_cut = False

    def __getattr__(self, operation: str) -> Callable[..., Awaitable[Any]]:
        async def call(**request: Any) -> Any:
            if self.is_cut:
                raise ConnectionError("the process is dead")
            return await getattr(self._sqs, operation)(**request)

        return call


@dataclass(eq=False)
class Stack:
    """Workers of one queue, each of which is started again when a message has killed it."""

    max_attempts: int
    run_seconds: float = 2
    done: Counter[str] = field(default_factory=Counter)
    killed: int = 0
    most_at_once: int = 0
    """Since the last start of a worker."""

    def __post_init__(self) -> None:
        chance = random.Random(1)  # noqa: S311  # a model
        self.sqs = SimulatedSqs(ROUND_TRIP_SECONDS, chance, max_receives=self.max_attempts)
        self._queue = self._queue_on(Connection(self.sqs))

    async def send(self, *bodies: str) -> None:
        await asyncio.gather(*(self._queue.send(body) for body in bodies))

    async def supervise(self) -> None:
        """Run a worker, and another one when it has died."""
        while True:
            await self._run_worker()
            await asyncio.sleep(RESTART_SECONDS)

    async def until_settled(self, messages: int) -> None:
        while len(self.done) + len(self.sqs.moved) < messages:
            await self.next_second()

    async def next_second(self) -> None:
        await asyncio.sleep(1)

    async def _run_worker(self) -> None:
        connection, dies = Connection(self.sqs), asyncio.Event()
        under_way = self.most_at_once = 0

        async def work(message: ReceivedMessage) -> None:
            nonlocal under_way
            under_way += 1
            self.most_at_once = max(self.most_at_once, under_way)
            await asyncio.sleep(self.run_seconds)
            if message.body.startswith(KILLS):
                dies.set()
                connection.is_cut = True
            if connection.is_cut:
                await asyncio.Event().wait()
            self.done[message.body] += 1
            under_way -= 1

        policy = RetryPolicy.exponential(self.max_attempts, 5)
        caution = Caution(trust_after=SLOTS, return_seconds=RETURN_SECONDS)
        queue = self._queue_on(connection)
        consumer = asyncio.create_task(
            Consumer(queue, queue, work, policy, SETTINGS, caution=caution).run(asyncio.Event())
        )
        await dies.wait()
        self.killed += 1
        consumer.cancel()

    def _queue_on(self, connection: Connection) -> Queue:
        return Queue(cast(SQSClient, connection), QueueDefinition("q", "worker", self.max_attempts, "q-dlq", None, 1))


def run(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run the story; what its dead workers say is of no interest."""
    with capture_logs():
        run_in_virtual_time(story())


def with_culprits(good: int, *places: int) -> list[str]:
    """The bodies of so many good messages, and of one that kills its worker at each of the places."""
    bodies = [f"good {number}" for number in range(good)]
    for place in places:
        bodies.insert(place, f"{KILLS} {place}")
    return bodies


@pytest.mark.parametrize("places", [(0,), (20,), (40,), (5, 20, 35)])
# As many workers as attempts are not promised it: one that was not killed itself may receive several last attempts.
@pytest.mark.parametrize(("max_attempts", "workers"), [(2, 1), (3, 1), (3, 2), (5, 1), (5, 2)])
def test_what_kills_its_worker_uses_up_its_own_attempts_and_nobody_elses(
    max_attempts: int, places: tuple[int, ...], workers: int
) -> None:
    stack = Stack(max_attempts)
    bodies = with_culprits(40, *places)

    async def story() -> None:
        supervisors = [asyncio.create_task(stack.supervise()) for _ in range(workers)]
        await asyncio.sleep(1)
        await stack.send(*bodies)
        await stack.until_settled(len(bodies))
        del supervisors

    run(story)
    assert sorted(stack.sqs.moved) == sorted(body for body in bodies if body.startswith(KILLS))
    assert stack.killed <= max_attempts * len(places)


def test_a_steady_stream_of_other_messages_does_not_hide_the_one_that_kills() -> None:
    stack = Stack(3)
    bodies, others = with_culprits(40, 20), [f"other {number}" for number in range(2000)]

    async def trickle() -> None:
        for other in others:
            await stack.send(other)
            await asyncio.sleep(0.1)

    async def story() -> None:
        supervisor = asyncio.create_task(stack.supervise())
        await asyncio.sleep(1)
        trickling = asyncio.create_task(trickle())
        await stack.send(*bodies)
        await stack.until_settled(len(bodies) + len(others))
        del supervisor, trickling

    run(story)
    assert stack.sqs.moved == [f"{KILLS} 20"]


def test_where_there_is_one_attempt_few_are_begun_at_once_when_a_worker_was_lost() -> None:
    stack = Stack(1)

    async def story() -> None:
        supervisor = asyncio.create_task(stack.supervise())
        await asyncio.sleep(1)
        await stack.send(f"{KILLS} 1")
        while not stack.killed:
            await stack.next_second()
        # In the queue when the next worker starts: whoever receives all of it at once loses all of it.
        await stack.send(f"{KILLS} 2")
        await stack.send(*(f"good {number}" for number in range(100)))
        await stack.until_settled(102)
        del supervisor

    run(story)
    assert sorted(stack.sqs.moved) == [f"{KILLS} 1", f"{KILLS} 2"]
    assert stack.most_at_once > SLOTS / 2, "it opens up as attempts end"


def test_what_a_killed_worker_had_in_flight_does_not_hold_up_what_comes_after_it() -> None:
    stack = Stack(3, run_seconds=0.01)
    backlog = 5000

    async def story() -> None:
        # As many as there are slots were in the hands of one that was killed.
        await stack.send(*(f"left {number}" for number in range(SLOTS)))
        await stack.sqs.receive_message(MaxNumberOfMessages=SLOTS, WaitTimeSeconds=0, VisibilityTimeout=60)
        await stack.send(*(f"new {number}" for number in range(backlog)))
        supervisor = asyncio.create_task(stack.supervise())
        begun = asyncio.get_running_loop().time()
        await stack.until_settled(SLOTS + backlog)
        # One by one for the time in which those can come back, at a message a round trip, and in batches then.
        assert asyncio.get_running_loop().time() - begun < RETURN_SECONDS + 5
        del supervisor

    run(story)
    assert stack.sqs.moved == []
    assert set(stack.done.values()) == {1}


def caution_of(in_flight: int = 0) -> Caution:
    caution = Caution(trust_after=3, return_seconds=80)
    caution.looked(in_flight, 0)
    return caution


async def begin(caution: Caution, *, is_last: bool = False) -> "asyncio.Task[None]":
    """A suspect that comes for its turn; it is done when it was begun."""
    task = asyncio.create_task(caution.wait_for_turn(lambda: is_last))
    await asyncio.sleep(0)
    return task


def test_receives_grow_with_those_that_bring_no_suspect() -> None:
    caution = caution_of()
    sizes = []
    for messages, suspects in [(1, 0), (2, 0), (4, 0), (8, 0), (10, 1), (1, 1), (1, 0), (0, 0), (2, 0)]:
        sizes.append(caution.most_to_receive(0, 0))
        caution.received(messages, suspects)
    assert sizes == [1, 2, 4, 8, MAX_RECEIVED_MESSAGES, 1, 1, 2, 2]


async def test_suspects_are_begun_one_by_one_and_more_at_once_as_they_end() -> None:
    caution = Caution(trust_after=10)
    caution.looked(0, 0)
    first, second, third = [await begin(caution) for _ in range(3)]
    assert [first.done(), second.done(), third.done()] == [True, False, False]
    assert caution.most_to_receive(3, 0) == 0, "more would only wait"

    caution.ended(is_suspect=True)
    await asyncio.gather(second, third)
    assert caution.most_to_receive(2, 0) == 1


async def test_a_suspect_on_its_last_attempt_is_alone() -> None:
    caution = caution_of()
    other = await begin(caution)
    last = await begin(caution, is_last=True)
    assert (other.done(), last.done()) == (True, False)

    caution.ended(is_suspect=True)
    await last
    beside = await begin(caution)
    assert not beside.done()
    assert caution.most_to_receive(1, 0) == 0

    caution.ended(is_suspect=True)
    await beside
    assert caution.most_to_receive(1, 0) == 1


async def test_a_suspect_that_gives_up_its_turn_holds_up_nobody() -> None:
    caution = caution_of()
    await begin(caution)
    waiting = await begin(caution)
    waiting.cancel()
    await asyncio.wait({waiting})
    assert caution.most_to_receive(1, 0) == 1


async def test_a_process_in_which_many_suspects_have_ended_trusts_the_others() -> None:
    caution = caution_of()
    for _ in range(3):
        await begin(caution)
        caution.ended(is_suspect=True)
    caution.received(10, 10)
    begun = [await begin(caution, is_last=True) for _ in range(5)]
    assert all(task.done() for task in begun)
    assert caution.most_to_receive(5, 0) == MAX_RECEIVED_MESSAGES


def test_after_a_start_with_messages_in_flight_few_are_begun_until_they_must_be_back() -> None:
    caution = caution_of(in_flight=1)
    caution.received(1, 0)
    assert [caution.most_to_receive(in_flight, 79) for in_flight in (0, 1)] == [1, 0]
    caution.ended(is_suspect=False)
    assert [caution.most_to_receive(in_flight, 79) for in_flight in (0, 1, 2)] == [1, 1, 0]
    assert caution.most_to_receive(2, 80) == 2


def test_a_start_with_nothing_in_flight_calls_for_no_care() -> None:
    caution = Caution(trust_after=3, return_seconds=80)
    assert caution.must_look
    assert caution.looked(0, 0) == 0
    assert not caution.must_look
    assert not Caution().must_look
    assert Caution().most_to_receive(0, 0) == MAX_RECEIVED_MESSAGES
