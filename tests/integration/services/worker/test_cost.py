"""What a task costs the real worker program, counted and never timed: where a bound is exceeded, find the cause."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise, repeat
from pathlib import Path
from uuid import uuid4

from aiohttp import web

from services.messages import encode_task
from stack.ports import free_port
from tests.http_server import serving
from tests.integration.services.conftest import PATIENCE_SECONDS, Broker, until
from tests.integration.services.cost import ITEMS, BrokerLog, cost_so_far, counted_program
from tests.integration.services.running_program import running_program
from tests.otlp_receiver import running_otlp_receiver

MOST_REQUESTS_PER_TASK = 0.35
"""Requests at SQS for a task of a full queue, its sending among them: what SQS bills. Three batches of ten are 0.3, the
rest is for batches that are not full. A send, a receive or a delete that goes alone ends above 1."""

MOST_CALLS_PER_TASK = 655
"""Functions that the event loop's thread calls for a task, Python's and C's, from the receive to the delete, logs and
signature included: the work of the interpreter without a clock. Runs differ by less than 1 %, Python 3.11 and 3.13 by
3 %. 15 of them are for an attempt, its settlement and the slots knowing nothing of each other. Lower it when the path
has become shorter; raise it for a reason only."""

MOST_CALLS_OF_A_TRACE = {"off": 0, "unsampled": 80, "sampled": 260}
"""How many of them more than without traces: where no endpoint is set, where the message says that its trace is not
sampled, and where it says that it is. What encodes and sends spans is another thread's."""

MOST_BLOCKS_KEPT_PER_TASK = 0.5
"""Pieces of memory that a worker holds more after a task than before, in the round in which that was least. What is
kept for each task is 1 at the least, in every round; caches that fill and requests under way were 0.7 in one round of
many, and never more than 0.05 in the least of three."""

CONCURRENCY = 50
TASKS = 1000
WARM_UP_TASKS = 300
FEW_TASKS = 25
ROUNDS = 3

WORKER = ("services.worker", "calculation")


def settings() -> dict[str, str]:
    """Those of the worker. No beat of its heartbeat is due in a test: it would extend what is in flight just then."""
    return {
        "ALLOWED_PRIVATE_TARGETS": "127.0.0.1",
        "CALLBACK_HOST_CONCURRENCY": str(CONCURRENCY),
        "CALLBACK_READ_TIMEOUT_SECONDS": str(PATIENCE_SECONDS),
        "CALLBACK_SIGNING_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "CALLBACK_TIMEOUT_SECONDS": str(PATIENCE_SECONDS),
        "HEARTBEAT_SECONDS": str(10 * PATIENCE_SECONDS),
        "LOG_FORMAT": "json",
        "SQS_WAIT_TIME_SECONDS": "1",
        "VISIBILITY_TIMEOUT_SECONDS": str(20 * PATIENCE_SECONDS),
        "WORKER_CONCURRENCY": str(CONCURRENCY),
        "HEALTH_PORT": str(free_port()),
    }


@dataclass
class Receiver:
    """A real HTTP server that takes every callback, and answers when it has as many as a worker makes at a time."""

    answers_from: int = CONCURRENCY
    """How many callbacks it has before it answers the first."""
    url: str = ""
    connections: int = 0
    """Those that it has accepted."""
    callbacks: int = 0
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Receiver"]:
        def count() -> None:
            self.connections += 1

        async with serving(self._take, on_connection=count) as self.url:
            yield self

    async def has_heard(self, callbacks: int) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS), self._changed:
            await self._changed.wait_for(lambda: self.callbacks >= callbacks)

    async def _take(self, request: web.BaseRequest) -> web.Response:
        await request.read()
        async with self._changed:
            self.callbacks += 1
            self._changed.notify_all()
            await self._changed.wait_for(lambda: self.callbacks >= self.answers_from)
        return web.Response(status=204)


async def fill(broker: Broker, receiver: Receiver, tasks: int, attributes: Mapping[str, str] | None = None) -> None:
    """Put so many tasks on the queue, as the API does."""
    request = f'{{"callback_url":"{receiver.url}/callback","message":{ITEMS}}}'
    queue = broker.queues["calculation"]
    bodies = (encode_task(str(uuid4()), "calculation", request) for _ in range(tasks))
    await asyncio.gather(*(queue.send(body, attributes) for body in bodies))


async def test_a_full_queue_is_drained_with_few_requests_and_connections(
    broker: Broker, localstack_directory: Path, tmp_path: Path
) -> None:
    requests = BrokerLog(localstack_directory)

    async with Receiver().serving() as receiver:
        await fill(broker, receiver, TASKS)
        async with running_program(broker, tmp_path, WORKER, settings()):
            await receiver.has_heard(TASKS)

    counts = requests.counts()
    assert await broker.in_queue("calculation") == (0, 0)
    assert receiver.callbacks == TASKS
    assert counts["SendMessageBatch"] == TASKS / 10
    assert counts.total() <= MOST_REQUESTS_PER_TASK * TASKS, counts
    # None is given back.
    assert not {operation for operation in counts if operation.startswith("ChangeMessageVisibility")}
    # As many as callbacks were under way at once at the begin, and each of them is used again.
    assert receiver.connections == CONCURRENCY


async def test_tasks_that_come_one_by_one_share_their_deletes_and_a_worker_that_stops_keeps_none_back(
    broker: Broker, localstack_directory: Path, tmp_path: Path
) -> None:
    requests = BrokerLog(localstack_directory)

    async with Receiver(answers_from=1).serving() as receiver, running_program(broker, tmp_path, WORKER, settings()):
        for heard in range(1, FEW_TASKS + 1):
            await fill(broker, receiver, 1)
            await receiver.has_heard(heard)

    counts = requests.counts()
    assert await broker.in_queue("calculation") == (0, 0)
    assert counts["SendMessageBatch"] == FEW_TASKS
    # A full batch is one for ten; a machine may be too slow for so many in the time that a delete waits.
    assert counts["DeleteMessageBatch"] <= FEW_TASKS / 2


async def test_a_task_takes_a_bounded_number_of_calls_and_leaves_nothing_in_memory(
    broker: Broker, localstack_directory: Path, tmp_path: Path
) -> None:
    requests = BrokerLog(localstack_directory)

    async with (
        Receiver().serving() as receiver,
        counted_program(broker, tmp_path, WORKER, settings()) as worker,
    ):
        costs = []
        for tasks in (WARM_UP_TASKS, *repeat(TASKS, ROUNDS)):
            await fill(broker, receiver, tasks)
            await until(broker, "calculation", lambda *left: left == (0, 0))
            # A busy worker may receive several times at once; of each it holds hundreds of pieces.
            await requests.reach("ReceiveMessage", requests.counts()["ReceiveMessage"] + 2)
            costs.append(await cost_so_far(worker))

    assert receiver.callbacks == WARM_UP_TASKS + ROUNDS * TASKS
    rounds = list(pairwise(costs))
    assert max(after.calls - before.calls for before, after in rounds) / TASKS <= MOST_CALLS_PER_TASK
    assert min(after.blocks - before.blocks for before, after in rounds) / TASKS <= MOST_BLOCKS_KEPT_PER_TASK


async def calls_per_task(
    broker: Broker, directory: Path, receiver: Receiver, collector: str, attributes: Mapping[str, str]
) -> float:
    """What a worker calls for a task that came with these attributes, beyond what it calls first."""
    tasks = 300
    traced = {**settings(), "OTEL_EXPORTER_OTLP_ENDPOINT": collector}
    async with counted_program(broker, directory, WORKER, traced) as worker:
        costs = []
        for _ in range(2):
            await fill(broker, receiver, tasks, attributes)
            await until(broker, "calculation", lambda *left: left == (0, 0))
            costs.append(await cost_so_far(worker))
    return (costs[1].calls - costs[0].calls) / tasks


async def test_a_trace_takes_few_calls_and_one_that_is_not_sampled_next_to_none(broker: Broker, tmp_path: Path) -> None:
    sampled = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
    unsampled = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"}

    async with Receiver().serving() as receiver, running_otlp_receiver() as collector:
        calls = {
            "off": await calls_per_task(broker, tmp_path, receiver, "", sampled),
            "unsampled": await calls_per_task(broker, tmp_path, receiver, collector.url, unsampled),
            "sampled": await calls_per_task(broker, tmp_path, receiver, collector.url, sampled),
        }

    more = {case: calls[case] - calls["off"] for case in calls}
    assert all(more[case] <= most for case, most in MOST_CALLS_OF_A_TRACE.items()), more
