"""The regions of docs/scaling.md on requests and what they cost."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import fsum

from bench.scaling.aws import (
    FIFO_DOLLARS_PER_REQUEST,
    SECONDS_PER_MONTH,
    STANDARD_DOLLARS_PER_REQUEST,
)
from bench.scaling.markdown import dollars, number, table, whole
from bench.scaling.measured import ONE_BY_ONE, measured
from bench.scaling.request_rates import Fleet, RequestsPerTask, batched, batched_sends, one_by_one, payload_cost, single
from bench.scaling.simulation import Load, Observed, idle_receives_per_second, simulate
from bench.systems import BOUND, PROJECT, TASKIQ_BATCHING
from services.dlq_watcher.queue_watch import SECONDS_BETWEEN_LOOKS_ON_AWS
from services.queueing.definition import QueueDefinition
from services.queueing.queue_check import SECONDS_BETWEEN_LOOKS
from services.queues import define_queues
from services.task_types.loading import load_task_types

READINESS_SECONDS = 15
"""How often the API is asked for /readyz, as by docker-compose.yml; it then asks SQS for an attribute of each queue."""

MILLION = 1e6
RATES = (0.1, 1, 10, 100, 300, 1000, 3000)
_SIMULATED_TASKS = 1500
_OVERWHELMING_RATE = 1e6


@dataclass(frozen=True, slots=True)
class Standing:
    """Requests per second that are made whether or not there are tasks."""

    what: str
    per_second: float

    @property
    def per_month(self) -> float:
        """Requests per month."""
        return self.per_second * SECONDS_PER_MONTH


def standing_requests() -> list[Standing]:
    """Return the standing requests of the smallest stack: one worker of each queue, a watcher, an API process."""
    queues = [queue for queue in _queues() if queue.consumer]
    workers = sum(queue.consumer == "worker" for queue in queues)
    watched = len(queues) - workers
    poll = idle_receives_per_second()
    return [
        Standing(f"long polls of the workers, one for each of {workers} queues", workers * poll),
        Standing(f"long polls of the DLQ watcher, on {watched} queues", watched * poll),
        Standing(f"`/readyz` of an API process, asked every {READINESS_SECONDS} s", _task_types() / READINESS_SECONDS),
        _looks(workers),
    ]


def _looks(workers: int) -> Standing:
    """Return those for the attributes of queues: a worker's of its queue and DLQ; twice the watcher's, of all."""
    checks = (2 * workers + len(_queues())) / SECONDS_BETWEEN_LOOKS
    watches = len(_queues()) / SECONDS_BETWEEN_LOOKS_ON_AWS
    minutes = SECONDS_BETWEEN_LOOKS / 60
    return Standing(f"whether the queues are as declared, and still the same, every {minutes:g} min", checks + watches)


def _queues() -> list[QueueDefinition]:
    return list(define_queues(load_task_types(["services.tasks"])).values())


def _task_types() -> int:
    return len(load_task_types(["services.tasks"]))


def fleet_for(rate: float) -> Fleet:
    """Return a fleet that takes the rate: a worker for each 700 tasks per second, an API process for each 2000."""
    return Fleet(api_processes=max(1, round(rate / 2000)), workers=max(1, -(-int(rate) // 700)))


@cache
def simulated(rate: float) -> Observed:
    """Return what the simulation sees of the fleet for a rate."""
    fleet = fleet_for(rate)
    return simulate(
        Load(
            tasks=_SIMULATED_TASKS,
            tasks_per_second=rate,
            api_processes=fleet.api_processes,
            workers=fleet.workers,
            worker_concurrency=200,
            wait_seconds=0.05,
            round_trip_seconds=fleet.round_trip,
        )
    )


def standing_table() -> str:
    """What is paid while nothing happens."""
    standing = standing_requests()
    standing.append(Standing("**together**", fsum(each.per_second for each in standing)))
    rows = [
        [each.what, whole(each.per_month), dollars(each.per_month * STANDARD_DOLLARS_PER_REQUEST)] for each in standing
    ]
    return table(["standing requests", "a month", "cost"], rows)


def requests_table() -> str:
    """Requests per task by rate, by formula and simulation."""

    def row(rate: float) -> list[str]:
        fleet = fleet_for(rate)
        formula = batched(rate, fleet)
        parts = (formula.sends, formula.receives, formula.empty_receives, formula.deletes)
        return [
            number(rate),
            f"{fleet.api_processes} / {fleet.workers}",
            *(f"{part:.2f}" for part in parts),
            f"**{formula.total:.2f}**",
            f"{simulated(rate).all_requests_per_task:.2f}",
        ]

    header = [
        "tasks/s",
        "API / worker processes",
        "sends",
        "receives",
        "empty receives",
        "deletes",
        "**a task**",
        "simulated",
    ]
    return table(header, map(row, RATES))


def cost_table() -> str:
    """What a million tasks cost by rate, standing requests included, for this project and the peers."""
    standing = fsum(each.per_second for each in standing_requests())

    def row(rate: float) -> list[str]:
        fleet = fleet_for(rate)

        def million(requests: Callable[[float, Fleet], RequestsPerTask], extra: float, price: float) -> float:
            return MILLION * price * (requests(rate, fleet).total + extra / rate)

        # The queue of the tasks has its empty receives in the formula.
        others = standing - idle_receives_per_second()
        ours = million(batched, others, STANDARD_DOLLARS_PER_REQUEST)
        return [
            number(rate),
            dollars(ours),
            dollars(million(single, 0, STANDARD_DOLLARS_PER_REQUEST)),
            dollars(million(one_by_one, 0, FIFO_DOLLARS_PER_REQUEST)),
            dollars(ours * rate * SECONDS_PER_MONTH / MILLION),
        ]

    header = ["tasks/s", PROJECT.name, "a send and a delete a task", ONE_BY_ONE, f"{PROJECT.name}, a month"]
    return table(header, map(row, RATES))


def full_batches_table() -> str:
    """What a million tasks cost at the requests per task that were measured on a full queue."""

    def row(system: str, requests_per_task: float) -> list[str]:
        price = FIFO_DOLLARS_PER_REQUEST if system == ONE_BY_ONE else STANDARD_DOLLARS_PER_REQUEST
        model = full_batches(system).total
        return [system, f"{requests_per_task:.2f}", f"{model:.2f}", dollars(MILLION * price * requests_per_task)]

    figures = sorted((each.requests_per_task, system) for system, each in measured().items())
    rows = [row(system, requests) for requests, system in figures]
    return table(["a full queue", "requests a task, measured", "computed", "a million tasks"], rows)


def full_batches(system: str) -> RequestsPerTask:
    """Return the requests of a system whose batches are as full as it makes them."""
    counts = {
        PROJECT.name: batched,
        BOUND.name: batched,
        TASKIQ_BATCHING.name: batched_sends,
        ONE_BY_ONE: one_by_one,
    }
    return counts.get(system, single)(_OVERWHELMING_RATE, Fleet())


def spread_table() -> str:
    """What the same load costs on more processes."""
    rows = []
    for rate in (100, 1000):
        for processes in ((1, 2), (2, 4), (4, 10)):
            fleet = Fleet(api_processes=processes[0], workers=processes[1])
            formula = batched(rate, fleet)
            rows.append([number(rate), f"{processes[0]} / {processes[1]}", f"{formula.total:.2f}"])
    return table(["tasks/s", "API / worker processes", "requests a task"], rows)


def payload_table() -> str:
    """What a task costs by its size, in full batches."""

    def row(kilobytes: int) -> list[str]:
        cost = payload_cost(kilobytes * 1024)
        return [
            f"{whole(kilobytes)} KiB",
            str(cost.batch_entries),
            number(cost.requests),
            number(cost.billed),
            dollars(MILLION * STANDARD_DOLLARS_PER_REQUEST * cost.billed),
        ]

    header = ["message", "sends in a batch", "requests a task", "billed a task", "a million tasks"]
    return table(header, map(row, (1, 6, 16, 64, 100, 256, 1000)))
