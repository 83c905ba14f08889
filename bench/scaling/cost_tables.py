"""The regions of docs/scaling.md on requests and what they cost."""

from collections.abc import Callable, Sequence
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
from bench.scaling.request_rates import (
    DELETE_LINGER_SECONDS,
    Fleet,
    RequestsPerTask,
    batched,
    batched_sends,
    one_by_one,
    patient_batches,
    payload_cost,
    receives_per_message,
    single,
)
from bench.scaling.simulation import Load, Observed, idle_receives_per_second, simulate
from bench.systems import BOUND, PROJECT, TASKIQ_BATCHING
from services.api.enqueue import ALL_IS_WELL_SECONDS_ON_AWS
from services.dlq_watcher.queue_watch import SECONDS_BETWEEN_LOOKS_ON_AWS
from services.queueing.definition import QueueDefinition
from services.queueing.idle_rest import IDLE_AFTER_SECONDS
from services.queueing.polling import GATHER_SECONDS
from services.queueing.queue import SETTLE_LINGER_SECONDS
from services.queueing.queue_check import SECONDS_BETWEEN_LOOKS
from services.queueing.samples import SHORTEST_INTERVAL_SECONDS_ON_AWS
from services.queues import define_queues, queues_of_worker
from services.task_types.loading import load_task_types

READINESS_SECONDS = 15
SCRAPE_SECONDS = 15
"""How often the API is asked for /readyz on Kubernetes (stack/aws/kubernetes.py), and the DLQ watcher for its metrics
(observability/prometheus/prometheus.yml). Both then ask SQS for attributes, unless they know them from lately."""

API_PODS = 2
"""As stack/aws/kubernetes.py has them."""

MILLION = 1e6
RATES = (0.1, 1, 3, 10, 30, 100, 300, 1000, 3000)
_RATES_OF_WAITS = (0.1, 1, 3, 10, 30, 100)
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
    """Return those of the smallest stack of `aws/containers.yaml`: one worker of each queue, a watcher, the API."""
    queues = _queues()
    workers = [queue.name for queue in queues if queue.consumer == "worker"]
    dlqs = sum(queue.is_dead_letter_queue and queue.consumer is not None for queue in queues)
    poll = idle_receives_per_second()
    rest = IDLE_AFTER_SECONDS / 3600
    return [
        Standing(f"long polls of the workers, one for each of {len(workers)} queues", len(workers) * poll),
        Standing(f"long polls of the DLQ watcher, one for each of {dlqs} DLQs", dlqs * poll),
        Standing(
            f"its long polls of `alerts`, when none has come for {rest:g} hours", idle_receives_per_second(rests=True)
        ),
        _looks(workers),
    ]


def requests_of_observers() -> list[Standing]:
    """Return those that are made besides where somebody asks the services how they are."""
    readiness = API_PODS * _task_types() / max(READINESS_SECONDS, ALL_IS_WELL_SECONDS_ON_AWS)
    metrics = len(_queues()) / max(SCRAPE_SECONDS, SHORTEST_INTERVAL_SECONDS_ON_AWS)
    return [
        Standing(
            f"on Kubernetes: `/readyz` of {API_PODS} API processes, each asked every {READINESS_SECONDS} s", readiness
        ),
        Standing(f"with Prometheus: metrics of {len(_queues())} queues, read every {SCRAPE_SECONDS} s", metrics),
    ]


def _looks(workers: Sequence[str]) -> Standing:
    """Return those for the attributes of queues: of each program of those that it uses; twice the watcher's, of all."""
    of_workers = sum(len(queues_of_worker(name)) for name in workers)
    of_api = 2 * _task_types()
    checks = (of_workers + of_api + len(_queues())) / SECONDS_BETWEEN_LOOKS
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
    together = Standing("**together**", fsum(each.per_second for each in standing))
    rows = [
        [each.what, whole(each.per_month), dollars(each.per_month * STANDARD_DOLLARS_PER_REQUEST)]
        for each in (*standing, together, *requests_of_observers())
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


def waits_table() -> str:
    """What deletes and receives of a task cost by how long they wait for others, on one worker."""
    lingers = (SETTLE_LINGER_SECONDS, DELETE_LINGER_SECONDS, 5 * DELETE_LINGER_SECONDS)
    rests = (0.0, GATHER_SECONDS, 2.5 * GATHER_SECONDS)

    def row(rate: float) -> list[str]:
        deletes = (patient_batches(rate, linger) for linger in lingers)
        receives = (receives_per_message(rate, Fleet(), rest) for rest in rests)
        return [number(rate), *(f"{requests:.2f}" for requests in (*deletes, *receives))]

    header = [
        "tasks/s",
        *(f"deletes that wait {number(linger)} s" for linger in lingers),
        *(f"receives with rests of {number(1000 * rest)} ms" for rest in rests),
    ]
    return table(header, map(row, _RATES_OF_WAITS))


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
