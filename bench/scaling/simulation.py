"""Simulates the stack under a load: the services' own Queue, Batcher, Consumer and HostSlots, on a virtual clock.

What surrounds them is simulated. The assumptions:

- Tasks arrive at random, one by one (a Poisson process), and evenly over the API processes; or all are on the queue
  when the workers start.
- Every request to SQS takes the same round trip (simulated_sqs.py says what else holds of it).
- A task needs a time of CPU, which the tasks of one worker process have one after the other; then a wait of random
  length (exponential: most tasks are quick, a few take several times the mean); then its callback, all to one receiver
  that always takes the same time.
- What a worker spends on receiving and deleting is part of the CPU time of its tasks.
- Nothing fails. The queues of other task types, `callbacks` and the DLQs are empty, and are not simulated.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean
from typing import TYPE_CHECKING, cast

from bench.scaling.simulated_sqs import SimulatedSqs
from bench.scaling.virtual_time import run_in_virtual_time
from services.delivery.host_slots import HostBusyError, HostSlots
from services.queueing.consumer import Consumer
from services.queueing.decisions import RetryPolicy
from services.queueing.definition import QueueDefinition
from services.queueing.idle_rest import IDLE_AFTER_SECONDS, IdleRest
from services.queueing.message import ReceivedMessage
from services.queueing.queue import Queue
from services.worker.settings import WorkerSettings

if TYPE_CHECKING:
    from types_aiobotocore_sqs.client import SQSClient

_DEFINITION = QueueDefinition("simulated", "worker", 3, "simulated-dlq", None, 345_600)
_POLICY = RetryPolicy.exponential(3, 5)
_RECEIVER = "receiver"
_IDLE_SECONDS = 100_000


@dataclass(frozen=True, kw_only=True)
class Load:
    """What comes to the stack, and what there is to take it. Times are in seconds."""

    tasks: int
    tasks_per_second: float | None = None
    """None: all tasks are on the queue when the workers start."""
    api_processes: int = 1
    workers: int = 1
    worker_concurrency: int = 50
    cpu_seconds: float = 0.0005
    wait_seconds: float = 0.0
    callback_seconds: float = 0.005
    round_trip_seconds: float = 0.01
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Observed:
    """What the simulation saw, from the first arrival to the last delete. Times are in seconds."""

    requests_per_task: Mapping[str, float]
    """By operation."""
    empty_receives_per_task: float
    tasks_per_second: float
    """From the first fifth of the tasks to the last: how it begins and ends is left out."""
    mean_age: float
    """From the send of a message to its receive."""
    highest_age: float
    cpu_utilisation: float
    """From 0 to 1, the mean over the workers."""
    slot_utilisation: float
    """From 0 to 1: messages in flight over all slots."""
    queued_outcomes: int
    """Outcomes that the worker would have put on `callbacks`, as the receiver had its share of slots for too long."""

    @property
    def all_requests_per_task(self) -> float:
        """Requests of every kind, empty receives included."""
        return sum(self.requests_per_task.values())


@dataclass(eq=False)
class _SimulatedWorker:
    """The resources that one worker process has."""

    load: Load
    number: int = 0
    cpu_seconds: float = 0
    queued_outcomes: int = 0

    def __post_init__(self) -> None:
        # The defaults: what this machine's environment says is no business of the model.
        self.settings = WorkerSettings.model_construct(worker_concurrency=self.load.worker_concurrency)
        self._waits = _chance(self.load, f"waits in worker {self.number}")
        self._cpu = asyncio.Lock()
        self._hosts = HostSlots(self.settings.callback_slots_per_host)

    async def __call__(self, _message: ReceivedMessage) -> None:
        async with self._cpu:
            await asyncio.sleep(self.load.cpu_seconds)
            self.cpu_seconds += self.load.cpu_seconds
        if self.load.wait_seconds:
            await asyncio.sleep(self._waits.expovariate(1 / self.load.wait_seconds))
        try:
            async with self._hosts.slot(_RECEIVER):
                await asyncio.sleep(self.load.callback_seconds)
        except HostBusyError:
            self.queued_outcomes += 1


def simulate(load: Load) -> Observed:
    """Simulate the load: the same one gives the same result."""
    return run_in_virtual_time(_simulate(load))


@cache
def idle_receives_per_second(*, rests: bool = False) -> float:
    """How many receives a consumer makes of a queue that has been empty for hours, with or without an IdleRest."""
    return run_in_virtual_time(_idle(_IDLE_SECONDS, IdleRest() if rests else None))


async def _idle(seconds: float, idle_rest: IdleRest | None) -> float:
    load = Load(tasks=0)
    sqs = _sqs(load)
    worker = _SimulatedWorker(load)
    stop = asyncio.Event()
    consumer = asyncio.create_task(_consumer(sqs, worker, idle_rest).run(stop))
    await asyncio.sleep(2 * IDLE_AFTER_SECONDS)
    before = sqs.requests["ReceiveMessage"]
    await asyncio.sleep(seconds)
    receives = sqs.requests["ReceiveMessage"] - before
    stop.set()
    await consumer
    return receives / seconds


async def _simulate(load: Load) -> Observed:
    sqs = _sqs(load)
    workers = [_SimulatedWorker(load, number) for number in range(load.workers)]
    stop = asyncio.Event()
    began = asyncio.get_running_loop().time()
    consumers = [asyncio.create_task(_consumer(sqs, worker).run(stop)) for worker in workers]
    await _arrive(load, sqs)
    await sqs.until_deleted(load.tasks)
    seconds = asyncio.get_running_loop().time() - began
    observed = _observe(load, sqs, workers, seconds)
    stop.set()
    await asyncio.gather(*consumers)
    return observed


def _chance(load: Load, of_what: str) -> random.Random:
    """Return a source of chance of its own, so that loads that differ in one thing differ by that alone."""
    return random.Random(f"{load.seed} {of_what}")  # noqa: S311  # nothing here is a secret


def _sqs(load: Load) -> SimulatedSqs:
    return SimulatedSqs(load.round_trip_seconds, _chance(load, "long polls"))


def _consumer(sqs: SimulatedSqs, worker: _SimulatedWorker, idle_rest: IdleRest | None = None) -> Consumer:
    queue = Queue(cast("SQSClient", sqs), _DEFINITION, delete_linger_seconds=worker.settings.delete_linger_seconds)
    return Consumer(queue, queue, worker, _POLICY, worker.settings, idle_rest=idle_rest)


async def _arrive(load: Load, sqs: SimulatedSqs) -> None:
    if load.tasks_per_second is None:
        sqs.fill(load.tasks)
        return
    arrivals, api_process = _chance(load, "arrivals"), _chance(load, "API processes")
    api_processes = [Queue(cast("SQSClient", sqs), _DEFINITION) for _ in range(load.api_processes)]
    async with asyncio.TaskGroup() as group:
        for _ in range(load.tasks):
            await asyncio.sleep(arrivals.expovariate(load.tasks_per_second))
            group.create_task(api_process.choice(api_processes).send(""))


def _observe(load: Load, sqs: SimulatedSqs, workers: Sequence[_SimulatedWorker], seconds: float) -> Observed:
    return Observed(
        requests_per_task={operation: number / load.tasks for operation, number in sqs.requests.items()},
        empty_receives_per_task=sqs.empty_receives / load.tasks,
        tasks_per_second=_middle_rate(sqs.deletions),
        mean_age=fmean(sqs.ages_at_receive),
        highest_age=max(sqs.ages_at_receive),
        cpu_utilisation=sum(worker.cpu_seconds for worker in workers) / (seconds * load.workers),
        slot_utilisation=sqs.in_flight_seconds / (seconds * load.workers * load.worker_concurrency),
        queued_outcomes=sum(worker.queued_outcomes for worker in workers),
    )


def _middle_rate(moments: Sequence[float]) -> float:
    fifth = len(moments) // 5
    return (len(moments) - 2 * fifth) / (moments[-fifth] - moments[fifth])
