"""How many requests the services make of SQS, which bills by request: counted on a real LocalStack, never timed.

What a whole worker costs a task is in worker/test_cost.py.
"""

import asyncio
import math
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from services.errors import PermanentError, RetryLaterError
from services.primitives.sqs_limits import MAX_BATCH_ENTRIES, MAX_MESSAGE_BYTES
from services.queueing.attempt import MessageHandler
from services.queueing.consumer import Consumer
from services.queueing.decisions import RetryPolicy
from services.queueing.message import ReceivedMessage
from services.worker.settings import WorkerSettings
from tests.integration.services.conftest import Broker, running, until
from tests.integration.services.watched_calls import note_calls, watch_calls

SLOTS = 50

MOST_REQUESTS_PER_ENTRY = 0.15
"""Full batches are 0.1; the rest is for those that go before they are full, as no entry waits long for others."""


@dataclass
class Batches:
    """What the requests held that a client made, by operation."""

    entries: defaultdict[str, list[list[dict[str, Any]]]] = field(default_factory=lambda: defaultdict(list))

    def note(self, operation: str, parameters: dict[str, Any]) -> None:
        """Note a request."""
        self.entries[operation].append(parameters.get("Entries", []))

    def per_entry(self, operation: str) -> float:
        """Return the requests of a batch operation for each of the entries that they held."""
        batches = self.entries[operation]
        return len(batches) / sum(map(len, batches))


@dataclass
class Polls:
    """The receives of a client. Beside an idle one there is no other."""

    wait_seconds: list[int] = field(default_factory=list)
    alone: list[bool] = field(default_factory=list)
    """Whether no other was under way when it began."""
    _under_way: int = 0

    async def watch(self, operation: str, parameters: dict[str, Any], call: Callable[[], Awaitable[Any]]) -> Any:
        """Note one."""
        if operation != "ReceiveMessage":
            return await call()
        self.wait_seconds.append(parameters["WaitTimeSeconds"])
        self.alone.append(not self._under_way)
        self._under_way += 1
        try:
            return await call()
        finally:
            self._under_way -= 1


@pytest.fixture
def batches(broker: Broker) -> Batches:
    noted = Batches()
    note_calls(broker.client, noted.note)
    return noted


@pytest.fixture
def polls(broker: Broker) -> Polls:
    noted = Polls()
    watch_calls(broker.client, noted.watch)
    return noted


async def fill(broker: Broker, messages: int) -> None:
    await asyncio.gather(*(broker.queues["calculation"].send(str(number)) for number in range(messages)))


def consumer_of(broker: Broker, work: MessageHandler, policy: RetryPolicy, **settings: Any) -> Consumer:
    settings = {"worker_concurrency": SLOTS, "sqs_wait_time_seconds": 1, **settings}
    return Consumer(
        broker.queues["calculation"],
        broker.queues["calculation-dlq"],
        work,
        policy,
        WorkerSettings(**broker.environment, **settings),
    )


def handles(batches: Sequence[Sequence[dict[str, Any]]]) -> set[str]:
    return {entry["ReceiptHandle"] for batch in batches for entry in batch}


async def test_each_beat_of_the_heartbeat_extends_all_held_messages_in_full_batches(
    broker: Broker, batches: Batches
) -> None:
    beats, per_beat = 4, SLOTS // MAX_BATCH_ENTRIES
    held, let_go = asyncio.Barrier(SLOTS + 1), asyncio.Event()

    async def hold(_message: ReceivedMessage) -> None:
        await held.wait()
        await let_go.wait()

    async def extend_at_once(operation: str, parameters: dict[str, Any], call: Callable[[], Awaitable[Any]]) -> Any:
        # A beat does not wait for the one before it, and leaves out what is still on its way: with SQS's own time for
        # an answer, what one beat extends would depend on it.
        if operation != "ChangeMessageVisibilityBatch":
            return await call()
        broker.requests.note(operation, parameters)
        batches.note(operation, parameters)
        return {"Successful": [{"Id": entry["Id"]} for entry in parameters["Entries"]]}

    watch_calls(broker.client, extend_at_once)
    await fill(broker, SLOTS)
    async with running(consumer_of(broker, hold, RetryPolicy(3, (0,)), heartbeat_seconds=0.3)):
        await held.wait()
        # A beat while the messages were coming in had fewer of them.
        batches.entries.clear()
        before = broker.requests.counts["ChangeMessageVisibilityBatch"]
        await broker.requests.reach("ChangeMessageVisibilityBatch", before + (1 + beats) * per_beat)
        let_go.set()

    made = batches.entries["ChangeMessageVisibilityBatch"][per_beat : (1 + beats) * per_beat]
    assert [len(batch) for batch in made] == [MAX_BATCH_ENTRIES] * beats * per_beat
    for first in range(0, len(made), per_beat):
        assert len(handles(made[first : first + per_beat])) == SLOTS


async def test_messages_that_fail_return_in_batches(broker: Broker, batches: Batches) -> None:
    async def fail(_message: ReceivedMessage) -> None:
        raise RetryLaterError("not now")

    await fill(broker, 2 * SLOTS)
    async with running(consumer_of(broker, fail, RetryPolicy(3, (600,)))):
        await until(broker, "calculation", lambda waiting, _in_flight: waiting == 0)

    assert len(handles(batches.entries["ChangeMessageVisibilityBatch"])) == 2 * SLOTS
    assert batches.per_entry("ChangeMessageVisibilityBatch") <= MOST_REQUESTS_PER_ENTRY


async def test_messages_are_dead_lettered_in_batches(broker: Broker, batches: Batches) -> None:
    async def give_up(_message: ReceivedMessage) -> None:
        raise PermanentError("garbage")

    await fill(broker, 2 * SLOTS)
    batches.entries.clear()
    async with running(consumer_of(broker, give_up, RetryPolicy(3, (0,)))):
        await until(broker, "calculation", lambda *left: left == (0, 0))

    assert await broker.in_queue("calculation-dlq") == (2 * SLOTS, 0)
    assert len(handles(batches.entries["DeleteMessageBatch"])) == 2 * SLOTS
    assert batches.per_entry("SendMessageBatch") <= MOST_REQUESTS_PER_ENTRY
    assert batches.per_entry("DeleteMessageBatch") <= MOST_REQUESTS_PER_ENTRY


async def test_an_idle_worker_makes_one_request_in_its_wait_time(broker: Broker, polls: Polls) -> None:
    """Also after it was busy, when several may have been under way at once."""

    async def work(_message: ReceivedMessage) -> None:
        pass

    await fill(broker, 2 * SLOTS)
    async with running(consumer_of(broker, work, RetryPolicy(3, (0,)))):
        await until(broker, "calculation", lambda *left: left == (0, 0))
        busy = broker.requests.counts["ReceiveMessage"]
        await broker.requests.reach("ReceiveMessage", busy + 3)

    assert polls.alone[-2:] == [True, True]
    assert set(polls.wait_seconds[-2:]) == {1}
    assert set(broker.requests.counts) <= {
        "GetQueueUrl",
        "SendMessageBatch",
        "ReceiveMessage",
        "DeleteMessageBatch",
        "GetQueueAttributes",
    }


@pytest.mark.parametrize(
    ("body_bytes", "messages"),
    [(1_000, 50), (100_000, 50), (200_000, 20), (400_000, 10), (MAX_MESSAGE_BYTES, 4)],
)
async def test_batches_are_split_by_bytes_as_well_as_by_count(
    broker: Broker, batches: Batches, body_bytes: int, messages: int
) -> None:
    queue = broker.queues["calculation"]

    await asyncio.gather(*(queue.send("x" * body_bytes) for _ in range(messages)))

    in_a_batch = min(MAX_BATCH_ENTRIES, MAX_MESSAGE_BYTES // body_bytes)
    sent = [len(batch) for batch in batches.entries["SendMessageBatch"]]
    assert sent == [in_a_batch] * math.ceil(messages / in_a_batch)
    assert await broker.in_queue("calculation") == (messages, 0)
