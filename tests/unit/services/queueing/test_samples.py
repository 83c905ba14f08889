"""How much the queues hold, and how long the oldest message has waited."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.queueing.definition import QueueDefinition
from services.queueing.queue import Queue, QueueState
from services.queueing.recreated_queues import RecreatedQueue
from services.queueing.samples import OldestMessage, QueueSample, QueueSampler, oldest_message, show_in_metrics
from tests.service_fixtures import measured
from tests.virtual_time import in_virtual_time

NOW = 1_764_000_000.0
SAMPLE = QueueSample(at=NOW, waiting=3, in_flight=1, delayed=0, first_at=NOW - 600, last_empty_at=None)


@dataclass
class CountedQueue:
    """Holds what it is set to, and counts how often it was asked."""

    definition: QueueDefinition = field(
        default_factory=lambda: QueueDefinition("counted", "worker", 3, None, None, 345_600)
    )
    messages: int = 0
    asked: int = 0
    error: Exception | None = None
    created_at: float | None = None

    async def state(self) -> QueueState:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return QueueState("arn", self.messages, 2, 1, self.created_at)


class SilentQueue(CountedQueue):
    async def state(self) -> QueueState:
        await asyncio.Event().wait()
        raise AssertionError


def sampler_of(*queues: CountedQueue, seconds: float = 0) -> QueueSampler:
    return QueueSampler([cast("Queue", queue) for queue in queues], shortest_interval_seconds=seconds)


async def sample_of(sampler: QueueSampler) -> QueueSample:
    sample = (await sampler.sample())["counted"]
    assert isinstance(sample, QueueSample)
    return sample


@pytest.mark.parametrize(
    ("waiting", "newest_received_sent_at", "last_empty_at", "oldest"),
    [
        (0, NOW - 60, NOW - 30, None),
        (3, NOW - 60, NOW - 30, OldestMessage(30, is_at_least=False)),
        (3, NOW - 20, NOW - 30, OldestMessage(20, is_at_least=False)),
        (3, None, NOW - 30, OldestMessage(30, is_at_least=False)),
        (3, NOW - 20, None, OldestMessage(20, is_at_least=False)),
        (3, 0, None, OldestMessage(600, is_at_least=True)),
        (3, None, None, OldestMessage(600, is_at_least=True)),
        # Another machine's clock is ahead.
        (3, NOW + 5, None, OldestMessage(0, is_at_least=False)),
    ],
)
def test_how_long_the_oldest_message_has_waited(
    waiting: int, newest_received_sent_at: float | None, last_empty_at: float | None, oldest: OldestMessage | None
) -> None:
    sample = replace(SAMPLE, waiting=waiting, last_empty_at=last_empty_at)

    assert oldest_message(sample, newest_received_sent_at, NOW) == oldest


@pytest.mark.parametrize(
    "looked_into",
    [
        QueueDefinition("counted", None, None, None, None, 1_209_600),
        QueueDefinition("counted", "dlq_watcher", None, "undelivered", "data", 1_209_600),
    ],
    ids=["nobody's", "a DLQ"],
)
async def test_a_queue_is_not_empty_while_somebody_looks_into_it(looked_into: QueueDefinition) -> None:
    sampler = sampler_of(queue := CountedQueue(looked_into, messages=2))
    await sample_of(sampler)

    queue.messages = 0

    assert (await sample_of(sampler)).last_empty_at is None


@given(sent=st.lists(st.floats(0, 1e6), min_size=2, unique=True), received=st.integers(0), emptied=st.integers(0))
def test_no_message_of_a_queue_in_order_is_older_than_is_said(sent: list[float], received: int, emptied: int) -> None:
    """Some are received in their order; the queue was seen empty before the first that still waits was sent."""
    sent = sorted(at + 1 for at in sent)
    first_waiting = 1 + received % (len(sent) - 1)
    last_empty_at = sent[emptied % first_waiting]
    now = sent[-1]

    oldest = oldest_message(replace(SAMPLE, last_empty_at=last_empty_at), sent[first_waiting - 1], now)

    assert oldest is not None
    assert not oldest.is_at_least
    assert oldest.seconds >= now - sent[first_waiting]


async def test_a_sample_has_what_the_queue_holds() -> None:
    sample = await sample_of(sampler_of(CountedQueue(messages=5)))

    assert (sample.waiting, sample.in_flight, sample.delayed) == (5, 2, 1)
    assert sample.first_at == sample.at


async def test_a_sample_remembers_when_the_queue_was_empty_and_when_it_was_first_asked() -> None:
    queue = CountedQueue()
    sampler = sampler_of(queue)

    empty = await sample_of(sampler)
    queue.messages = 1
    filled = await sample_of(sampler)

    assert empty.last_empty_at == empty.at
    assert (filled.last_empty_at, filled.first_at) == (empty.at, empty.at)


async def test_a_queue_that_was_never_seen_empty_says_so() -> None:
    sampler = sampler_of(CountedQueue(messages=1))

    assert [(await sample_of(sampler)).last_empty_at for _ in range(2)] == [None, None]


async def test_however_often_they_are_asked_for_the_queues_are_asked_once_in_the_interval() -> None:
    queue = CountedQueue()
    sampler = sampler_of(queue, seconds=60)

    await asyncio.gather(*(sampler.sample() for _ in range(10)))

    assert queue.asked == 1


@in_virtual_time
async def test_a_queue_that_does_not_answer_keeps_no_other_from_being_sampled() -> None:
    definition = CountedQueue().definition
    silent = SilentQueue(replace(definition, name="silent"))
    failing = CountedQueue(replace(definition, name="failing"), error=ValueError("no"))

    samples = await sampler_of(CountedQueue(), silent, failing).sample()

    assert isinstance(samples["counted"], QueueSample)
    assert str(samples["silent"]) == "no answer within 3 seconds"
    assert str(samples["failing"]) == "no"


async def test_what_was_known_before_a_failure_is_known_after_it() -> None:
    queue = CountedQueue()
    sampler = sampler_of(queue)
    empty = await sample_of(sampler)

    queue.error = ValueError("no")
    await sampler.sample()
    queue.error, queue.messages = None, 1

    assert (await sample_of(sampler)).last_empty_at == empty.at


async def test_a_queue_that_is_made_anew_is_reported_with_what_it_held_and_begins_anew() -> None:
    queue = CountedQueue(created_at=1000)
    sampler = sampler_of(queue)
    await sampler.sample()
    queue.messages = 352
    before = await sample_of(sampler)

    queue.error = ValueError("no")
    await sampler.sample()
    queue.error, queue.created_at = None, 2000
    after = await sample_of(sampler)

    assert list(sampler.recreated) == [RecreatedQueue("counted", 2000, 355, before.at)]
    assert (after.first_at, after.last_empty_at) == (after.at, None)
    await sampler.sample()
    assert len(sampler.recreated) == 1


@pytest.mark.parametrize(("before", "after"), [(1000, 1000), (None, 2000), (1000, None), (None, None)])
async def test_a_queue_that_is_drained_or_does_not_say_when_it_was_made_is_not_taken_for_a_new_one(
    before: float | None, after: float | None
) -> None:
    queue = CountedQueue(messages=355, created_at=before)
    sampler = sampler_of(queue)
    await sampler.sample()

    queue.messages, queue.created_at = 0, after
    await sampler.sample()

    assert not sampler.recreated


async def test_queues_that_were_made_anew_are_shown_when_all_have_answered() -> None:
    class SlowQueue(CountedQueue):
        is_asked, may_answer = asyncio.Event(), asyncio.Event()

        async def state(self) -> QueueState:
            self.is_asked.set()
            await self.may_answer.wait()
            return await super().state()

    queue = CountedQueue(created_at=1000)
    slow = SlowQueue(replace(queue.definition, name="slow"))
    sampler = sampler_of(queue, slow)
    slow.may_answer.set()
    await sampler.sample()
    slow.is_asked.clear()
    slow.may_answer.clear()
    queue.created_at = 2000

    sampling = asyncio.create_task(sampler.sample())
    await slow.is_asked.wait()
    shown = list(sampler.recreated)
    slow.may_answer.set()
    await sampling

    assert shown == []
    assert [each.queue for each in sampler.recreated] == ["counted"]


def test_nothing_is_shown_of_a_queue_that_does_not_answer_any_more() -> None:
    show_in_metrics({"shown": replace(SAMPLE, last_empty_at=NOW)})

    assert measured("async_tasks_queue_messages", queue="shown", state="waiting") == 3
    assert measured("async_tasks_queue_messages", queue="shown", state="in_flight") == 1
    assert measured("async_tasks_queue_messages", queue="shown", state="delayed") == 0
    assert measured("async_tasks_queue_last_empty_timestamp_seconds", queue="shown") == NOW

    show_in_metrics({"shown": ValueError("no")})

    assert measured("async_tasks_queue_messages", queue="shown", state="waiting") is None
