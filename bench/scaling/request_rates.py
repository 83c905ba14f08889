"""How many SQS requests a task costs, by how often tasks come and by what takes them.

Batches are full where tasks come faster than requests can be made, and hold one task where they do not. The formulas
say how full, for tasks that come at random (a Poisson process); the simulation, in which the services' own code makes
the batches, checks them.
All times are in seconds, all rates per second.
"""

import math
from dataclasses import dataclass, replace

from bench.scaling.aws import MAX_BATCH_BYTES, MAX_BATCH_ENTRIES, billed_requests
from services.queueing.batcher import LINGER_SECONDS
from services.queueing.polling import GATHER_SECONDS
from services.worker.settings import WorkerSettings

DELETE_LINGER_SECONDS = WorkerSettings.model_construct().delete_linger_seconds


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The processes that share one queue's tasks."""

    api_processes: int = 1
    workers: int = 1
    round_trip: float = 0.01
    wait_time: float = 20
    """`SQS_WAIT_TIME_SECONDS`. A worker has one long poll under way, unless there is a backlog."""


@dataclass(frozen=True, slots=True)
class RequestsPerTask:
    """Requests of each kind for one task."""

    sends: float
    receives: float
    empty_receives: float
    deletes: float

    @property
    def total(self) -> float:
        """Requests of every kind."""
        return self.sends + self.receives + self.empty_receives + self.deletes


def batched(rate: float, fleet: Fleet) -> RequestsPerTask:
    """Count the requests of this project: each process coalesces its sends or deletes; a receive takes up to 10."""
    sends = eager_batches(rate / fleet.api_processes, LINGER_SECONDS, fleet.round_trip)
    # What was sent together is received together.
    receives = min(sends, receives_per_message(rate, fleet, GATHER_SECONDS))
    deletes = patient_batches(rate / fleet.workers, DELETE_LINGER_SECONDS)
    return RequestsPerTask(sends, receives, empty_receives_per_message(rate, fleet), deletes)


def single(rate: float, fleet: Fleet) -> RequestsPerTask:
    """Count the requests of most peers: a send and a delete for each task, and a receive that takes up to 10."""
    return RequestsPerTask(1, receives_per_message(rate, fleet), empty_receives_per_message(rate, fleet), 1)


def batched_sends(rate: float, fleet: Fleet) -> RequestsPerTask:
    """Count the requests of a peer that coalesces sends alone."""
    return replace(batched(rate, fleet), deletes=1)


def one_by_one(rate: float, fleet: Fleet) -> RequestsPerTask:
    """Count the requests of a worker that takes one message at a time."""
    return RequestsPerTask(1, 1, empty_receives_per_message(rate, fleet), 1)


def eager_batches(rate: float, linger: float, round_trip: float) -> float:
    """How many batches an eager Batcher makes of each entry.

    The entry that finds none under way goes alone. The next one waits for its linger, for the end of the batch under
    way, or for nine others, whichever is first: so from one batch to the next it is the wait for an entry, and that.
    """
    wait_for_entry = 1 / rate
    linger = min(linger, round_trip)
    cut_short = round_trip - linger
    between_batches = (
        wait_for_entry
        + _gathered(rate, linger) / rate * -math.expm1(-rate * cut_short)
        + math.exp(-rate * cut_short) * (linger - wait_for_entry * -math.expm1(-rate * linger))
    )
    return _at_most_full(rate * between_batches)


def patient_batches(rate: float, linger: float) -> float:
    """How many batches a Batcher that is not eager makes of each entry: it waits for its linger, or nine others."""
    return _at_most_full(1 + _gathered(rate, linger))


def receives_per_message(rate: float, fleet: Fleet, rest: float = 0) -> float:
    """How many receives that find something there are for a message, where messages were sent one by one.

    While a receive is on its way back and the next one on its way, messages gather; a long poll that waits takes the
    first. Where they come faster than one in a rest, but no batch at once, that is followed by a rest, in which more
    gather.
    """
    rate /= fleet.workers
    to_rest, to_rest_again = (_chance_of_rest(rate, wait, rest) for wait in (fleet.round_trip, fleet.round_trip + rest))
    after_rest = to_rest / (1 - to_rest_again + to_rest)
    received, received_after_rest = (_received(rate * wait) for wait in (fleet.round_trip, fleet.round_trip + rest))
    return 1 / ((1 - after_rest) * received + after_rest * received_after_rest)


def _received(gathered: float) -> float:
    return _mean_up_to(MAX_BATCH_ENTRIES, gathered) + math.exp(-gathered)


def _chance_of_rest(rate: float, wait: float, rest: float) -> float:
    """The chance that the next receive, so long behind the last one at the least, is followed by a rest."""
    if not rest:
        return 0.0
    # One that finds nothing waits for a message, which may come soon enough.
    comes_soon = math.exp(-rate * wait) - math.exp(-rate * max(wait, rest))
    return comes_soon + _chance_of(math.ceil(wait / rest), rate * wait)


def _chance_of(least: int, mean: float) -> float:
    """The chance that a Poisson number is at least so much, and less than a batch."""
    return sum(
        math.exp(number * math.log(mean) - mean) / math.factorial(number) for number in range(least, MAX_BATCH_ENTRIES)
    )


def empty_receives_per_message(rate: float, fleet: Fleet) -> float:
    """How many long polls end with nothing for a message, where each message goes to one of them, whichever."""
    nothing_came = math.exp(-rate / fleet.workers * fleet.wait_time)
    return nothing_came / (1 - nothing_came)


@dataclass(frozen=True, slots=True)
class PayloadCost:
    """What tasks of one size cost where batches are as full as the size allows."""

    batch_entries: int
    requests: float
    """Per task: send, receive and delete."""
    billed: float
    """The same as AWS bills it, by 64 KB of payload."""


def payload_cost(message_bytes: int) -> PayloadCost:
    """Return what a task of so many bytes costs, sent, received and deleted in batches.

    A batch of sends holds 10 messages and 1 MiB at the most; an answer to a receive holds 10.
    """
    sent = max(1, min(MAX_BATCH_ENTRIES, MAX_BATCH_BYTES // message_bytes))
    send = billed_requests(sent * message_bytes) / sent
    receive = billed_requests(MAX_BATCH_ENTRIES * message_bytes) / MAX_BATCH_ENTRIES
    other = 1 / MAX_BATCH_ENTRIES
    return PayloadCost(sent, 1 / sent + 2 * other, send + receive + other)


def _at_most_full(entries: float) -> float:
    return 1 / min(entries, MAX_BATCH_ENTRIES)


def _gathered(rate: float, linger: float) -> float:
    """How many entries join the first one of a batch."""
    return _mean_up_to(MAX_BATCH_ENTRIES - 1, rate * linger)


def _mean_up_to(most: int, mean: float) -> float:
    """The mean of a Poisson number that stops at `most`."""
    probability, missing = math.exp(-mean), 0.0
    for number in range(most):
        missing += (most - number) * probability
        probability *= mean / (number + 1)
    return most - missing
