"""The regions of docs/scaling.md on what a fleet can do, when it needs another worker, and what SQS limits."""

from collections.abc import Mapping, Sequence
from functools import cache

from bench.scaling.aws import MOST_IN_FLIGHT, SECONDS_PER_MONTH, STANDARD_DOLLARS_PER_REQUEST
from bench.scaling.capacity import (
    Worker,
    acceptable_backlog,
    batched_entries_per_second,
    processes_needed,
    seconds_to_drain,
    seconds_to_quota,
    waiting_in_flight,
)
from bench.scaling.markdown import dollars, duration, number, percent, table, whole
from bench.scaling.measured import accepted_per_second, measured
from bench.scaling.request_rates import Fleet, batched
from bench.scaling.simulation import Load, Observed, simulate
from bench.systems import PROJECT
from services.queueing.decisions import RetryPolicy
from services.task_types.loading import load_task_types
from services.worker.settings import WorkerSettings

UTILISATION = 0.7
"""How busy a fleet is planned to be: it leaves room for a burst, and for a worker that is lost."""

_SIGNALS_TASKS = 3000

_DEFAULTS = WorkerSettings.model_construct()


def cpu_of_a_task() -> float:
    """CPU seconds of a small task in a worker, as measured."""
    return measured()[PROJECT.name].cpu_seconds_per_task


def _worker(concurrency: int, *, cpu: float = 0, wait: float = 0, callback: float = 0.005) -> Worker:
    """Return a worker of tasks that need so much CPU besides what each task costs."""
    return Worker(concurrency=concurrency, cpu=cpu_of_a_task() + cpu, wait=wait, callback=callback)


@cache
def _simulated(worker: Worker, tasks: int, rate: float | None = None) -> Observed:
    return simulate(
        Load(
            tasks=tasks,
            tasks_per_second=rate,
            worker_concurrency=worker.concurrency,
            cpu_seconds=worker.cpu,
            wait_seconds=worker.wait,
            callback_seconds=worker.callback,
            round_trip_seconds=worker.round_trip,
        )
    )


KINDS_OF_TASKS: Mapping[str, Mapping[str, float]] = {
    "small: no more than the stack's own work": {},
    "waits 200 ms for other services": {"wait": 0.2},
    "computes 20 ms": {"cpu": 0.02},
    "its receiver takes 1 s": {"callback": 1.0},
}


def concurrency_table() -> str:
    """What a worker does by its concurrency, for tasks that compute and for tasks that wait."""
    rows = [
        _concurrency_row(name, _worker(concurrency, **needs))
        for name, needs in KINDS_OF_TASKS.items()
        for concurrency in (50, 200)
    ]
    return table(["task", "`WORKER_CONCURRENCY`", "tasks/s", "simulated", "limited by", "of a core"], rows)


def _concurrency_row(name: str, worker: Worker) -> Sequence[str]:
    return [
        name,
        str(worker.concurrency),
        number(worker.tasks_per_second),
        number(_simulated(worker, _tasks_for(worker)).tasks_per_second),
        worker.limit,
        percent(worker.tasks_per_second * worker.cpu),
    ]


def _tasks_for(worker: Worker) -> int:
    """As many as keep it busy for a few rounds of its slots."""
    return max(400, 12 * worker.concurrency)


def signals_table() -> str:
    """What the signals show as the load comes near to what a worker can do."""
    worker = _worker(50, wait=0.2)
    rows = []
    for load in (0.5, 0.7, 0.8, 0.9, 0.95, 1.1):
        rate = load * worker.tasks_per_second
        observed = _simulated(worker, _SIGNALS_TASKS, rate)
        rows.append(
            [
                percent(load),
                percent(observed.slot_utilisation),
                percent(observed.cpu_utilisation),
                duration(observed.mean_age),
                duration(observed.highest_age),
            ]
        )
    header = ["load", "messages in flight, of all slots", "CPU", "mean age at receive", "highest age"]
    return table(header, rows)


def round_trips_table() -> str:
    """What the latency of SQS alone allows one process."""
    rows = []
    for round_trip in (0.005, 0.01, 0.02, 0.05):
        worker = Worker(concurrency=_DEFAULTS.worker_concurrency, cpu=cpu_of_a_task(), round_trip=round_trip)
        sends = batched_entries_per_second(round_trip)
        rows.append(
            [duration(round_trip), whole(sends), whole(worker.limits["receives"]), whole(worker.limits["slots"])]
        )
    header = [
        "round trip to SQS",
        "sends/s of an API process, each task type",
        "receives/s of a worker",
        f"tasks/s through {_DEFAULTS.worker_concurrency} slots",
    ]
    return table(header, rows)


def example_table() -> str:
    """Work an example, from the load to the bill."""
    rate, acceptable_age, outage = 1200, 30, 600
    needs = {"wait": 0.2, "callback": 0.05}
    small, worker = _worker(_DEFAULTS.worker_concurrency, **needs), _worker(200, **needs)
    workers = processes_needed(rate, worker.tasks_per_second, UTILISATION)
    fleet = workers * worker.tasks_per_second
    backlog, accepted = rate * outage, accepted_per_second()
    requests = batched(rate, Fleet(workers=workers)).total
    rows = [
        ("tasks/s of a worker with its default slots", _slots_formula(small), _tasks(small)),
        (f"tasks/s of a worker with {worker.concurrency} slots", _slots_formula(worker), _tasks(worker)),
        ("workers", f"{whole(rate)} / ({percent(UTILISATION)} of that)", str(workers)),
        (
            "API processes",
            f"{whole(rate)} / ({percent(UTILISATION)} of {whole(accepted)})",
            f"{processes_needed(rate, accepted, UTILISATION)}, and one for when it fails",
        ),
        (
            "acceptable backlog per worker, the target of the scaling policy",
            f"{acceptable_age} s by {number(worker.tasks_per_second)} tasks/s",
            f"{whole(acceptable_backlog(worker, acceptable_age))} messages",
        ),
        (
            "backlog after 10 minutes without workers",
            f"{outage} s by {whole(rate)} tasks/s",
            f"{whole(backlog)} messages",
        ),
        (
            "time to catch up",
            f"backlog / ({whole(fleet)} - {whole(rate)} tasks/s)",
            duration(seconds_to_drain(backlog, rate, fleet)),
        ),
        (
            "the same with twice the workers",
            f"backlog / ({whole(2 * fleet)} - {whole(rate)} tasks/s)",
            duration(seconds_to_drain(backlog, rate, 2 * fleet)),
        ),
        (
            "SQS for a month of nothing but peak",
            f"{requests:.2f} requests a task",
            dollars(requests * rate * SECONDS_PER_MONTH * STANDARD_DOLLARS_PER_REQUEST),
        ),
    ]
    return table(["what", "how", "result"], rows)


def _slots_formula(worker: Worker) -> str:
    return f"({worker.concurrency} slots - {number(worker.empty_slots)} empty) / {number(worker.slot_time)} s"


def _tasks(worker: Worker) -> str:
    used = percent(worker.tasks_per_second * worker.cpu)
    return f"{number(worker.tasks_per_second)}, with {used} of a core"


def in_flight_table() -> str:
    """How soon messages that wait out their retries reach the quota of messages in flight."""
    kinds = [(f"`{name}` tasks that fail", waits) for name, waits in _task_waits().items()]
    kinds.append(("outcomes whose receiver is down, on `callbacks`", _callback_waits()))
    rows = [
        [
            name,
            whole(rate),
            duration(sum(waits)),
            whole(waiting_in_flight(rate, waits)),
            duration(seconds_to_quota(rate, waits)),
        ]
        for name, waits in kinds
        for rate in (1, 10, 100, 1000)
    ]
    header = [
        "what",
        "failing/s",
        "waits in flight, together",
        "in flight in the end",
        f"{whole(MOST_IN_FLIGHT)} after",
    ]
    return table(header, rows)


def _task_waits() -> dict[str, Sequence[float]]:
    """The waits by visibility timeout of each task type that is retried."""
    policies = {
        task_type.name: RetryPolicy.exponential(task_type.max_attempts, task_type.retry_delay_seconds)
        for task_type in load_task_types(["services.tasks"]).values()
        if task_type.max_attempts > 1
    }
    return {name: policy.waits_seconds for name, policy in policies.items()}


def _callback_waits() -> Sequence[float]:
    # The first wait is a delayed send, which is not in flight.
    return _DEFAULTS.callback_retry_schedule_seconds[1:]
