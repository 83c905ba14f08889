"""What a fleet of workers can do, when it needs another worker, and what its messages in flight come to.

All times are in seconds, all rates per second.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.scaling.aws import MAX_BATCH_ENTRIES, MOST_IN_FLIGHT
from services.queueing.polling import MAX_POLLS, ROOM_WAIT_SECONDS
from services.worker.settings import WorkerSettings

BATCHES_UNDER_WAY = 8
"""Of each kind, of one process on one queue (services/queueing/batcher.py)."""


def batched_entries_per_second(round_trip: float) -> float:
    """How many sends one process makes on one queue, or deletes."""
    return BATCHES_UNDER_WAY * MAX_BATCH_ENTRIES / round_trip


@dataclass(frozen=True, kw_only=True)
class Worker:
    """One worker process and its tasks."""

    concurrency: int
    """`WORKER_CONCURRENCY`."""
    cpu: float
    """CPU time of one task, of all that the process does for it."""
    wait: float = 0.0
    """The mean time that a task waits for others: databases, APIs."""
    callback: float = 0.005
    """How long the receiver takes to answer."""
    round_trip: float = 0.01
    """Of a request to SQS."""
    receives: int = MAX_POLLS
    """Receives under way at a time while there is a backlog (services/queueing/polling.py)."""

    @property
    def slot_time(self) -> float:
        """How long a task keeps a slot, with the receive that fills it."""
        return self.round_trip + self.cpu + self.wait + self.callback

    @property
    def empty_slots(self) -> float:
        """How many slots are free on average as a receive waits for several of them (services/queueing/polling.py)."""
        gathered = min(MAX_BATCH_ENTRIES, max(1, self.concurrency // 5))
        return min((gathered - 1) / 2, ROOM_WAIT_SECONDS / 2 * self.concurrency / self.slot_time)

    @property
    def limits(self) -> dict[str, float]:
        """Tasks per second, by what limits them."""
        return {
            "CPU": 1 / self.cpu,
            "slots": (self.concurrency - self.empty_slots) / self.slot_time,
            "receives": self.receives * MAX_BATCH_ENTRIES / self.round_trip,
            "slots of one receiver": slots_of_one_receiver(self.concurrency) / self.callback,
        }

    @property
    def limit(self) -> str:
        """What limits it."""
        return min(self.limits, key=self.limits.__getitem__)

    @property
    def tasks_per_second(self) -> float:
        """How many tasks it does where all their callbacks go to one receiver."""
        return self.limits[self.limit]


def slots_of_one_receiver(concurrency: int) -> int:
    """How many of a worker's slots the callbacks to one host may have (`CALLBACK_HOST_CONCURRENCY` unset)."""
    return WorkerSettings.model_construct(worker_concurrency=concurrency).callback_slots_per_host


def processes_needed(rate: float, capacity: float, utilisation: float) -> int:
    """How many processes take a rate, each no busier than `utilisation` (0 to 1)."""
    return max(1, math.ceil(rate / (capacity * utilisation)))


def acceptable_backlog(worker: Worker, acceptable_age: float) -> float:
    """How many waiting messages per worker are worked in the acceptable time.

    AWS's "acceptable backlog per instance": the longest acceptable latency over the time per message.
    https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-using-sqs-queue.html
    """
    return acceptable_age * worker.tasks_per_second


def seconds_to_drain(backlog: float, rate: float, capacity: float) -> float:
    """How long a backlog lasts while tasks go on coming; infinity where they come as fast as they are done."""
    return backlog / (capacity - rate) if capacity > rate else math.inf


def waiting_in_flight(failing_rate: float, waits: Sequence[float]) -> float:
    """How many messages wait out their retries once as many come as go (Little's law).

    `waits` are those made by visibility timeout: a message that waits so is in flight for SQS.
    """
    return failing_rate * sum(waits)


def seconds_to_quota(failing_rate: float, waits: Sequence[float]) -> float:
    """How long until the messages that wait out their retries reach SQS's quota; infinity where they never do."""
    if waiting_in_flight(failing_rate, waits) < MOST_IN_FLIGHT:
        return math.inf
    return MOST_IN_FLIGHT / failing_rate
