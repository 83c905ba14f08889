"""What the results are to show, and whether they do."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bench.growth import CONCURRENCIES, GROWTH, SIZES, SLOW_RECEIVER, WORKERS, growth_case
from bench.measurements import Results, Summary
from bench.steps import WHOLE_PATH, WORKER
from bench.systems import BOUND, CELERY_OVER_HTTP, CELERY_THREADS, NAIVE, PROJECT, PROJECT_OVER_HTTP
from bench.tables import Table, number

Relation = Literal["≥", "≤"]

_COSTS = (
    ("SQS requests a task", "requests_per_task", 0.35),
    ("worker CPU, s per 1000 tasks", "cpu_s_per_1000.worker", 0.55),
)
# An interpreter's memory is never quite flat; what grows with the tasks grows fivefold and more over this range.
_FLAT = 1.1


@dataclass(frozen=True, slots=True)
class Target:
    """A figure, and what it must be."""

    what: str
    value: float
    relation: Relation
    limit: float

    @property
    def met(self) -> bool:
        """Whether it is."""
        return self.value >= self.limit if self.relation == "≥" else self.value <= self.limit


def bench_targets(results: Results) -> list[Target]:
    """The targets of `make bench` whose figures were measured."""
    workers, whole_path = results.of(WORKER), results.of(WHOLE_PATH)
    return [
        *_worker_targets(workers),
        *_latency_targets(workers, whole_path),
        *_whole_path_targets(whole_path),
    ]


def growth_targets(results: Results) -> list[Target]:
    """The targets of `make bench-growth` whose figures were measured."""
    return [*_slow_receiver_targets(results.of(SLOW_RECEIVER)), *_memory_targets(results.of(GROWTH))]


def targets_table(targets: list[Target]) -> Table:
    """Return them as a table."""
    rows = [
        [
            target.what,
            number(target.value),
            f"{target.relation} {target.limit:g}",
            "met" if target.met else "**not met**",
        ]
        for target in targets
    ]
    return Table("Targets", ["target", "measured", "wanted", ""], rows)


def _worker_targets(workers: Summary) -> Iterator[Target]:
    ratios = {
        system: ratio
        for system in workers.systems()
        # Other builds of it are no others.
        if not system.startswith(PROJECT.name) and (ratio := workers.ratio(PROJECT.name, system, "tasks_per_second"))
    }
    if bound := ratios.pop(BOUND.name, None):
        yield Target("worker drain, of the bound's", bound, "≥", 0.95)
    if ratios:
        best = min(ratios, key=lambda system: ratios[system])
        yield Target(f"worker drain, of the best other system's ({best})", ratios[best], "≥", 3.8)
    if celery := ratios.get(CELERY_THREADS.name):
        yield Target(f"worker drain, of Celery's ({CELERY_THREADS.name})", celery, "≥", 6.5)
    for what, figure, limit in _COSTS:
        if (value := workers.median(PROJECT.name, figure)) is not None:
            yield Target(what, value, "≤", limit)


def _latency_targets(workers: Summary, whole_path: Summary) -> Iterator[Target]:
    idle = whole_path.median(PROJECT_OVER_HTTP.name, "idle_p50_ms")
    round_trip = whole_path.median(PROJECT_OVER_HTTP.name, "round_trip_p50_ms")
    naive = workers.median(NAIVE.name, "idle_p50_ms")
    if idle and round_trip and naive:
        what = f"idle submit → callback through the whole product, less an HTTP round trip, of the {NAIVE.name}'s"
        yield Target(what, (idle - round_trip) / naive, "≤", 1.3)


def _whole_path_targets(whole_path: Summary) -> Iterator[Target]:
    ratio = whole_path.ratio(PROJECT_OVER_HTTP.name, CELERY_OVER_HTTP.name, "tasks_per_second")
    if ratio is not None:
        yield Target("whole path, tasks/s, of Celery's behind the same endpoint", ratio, "≥", 7)


def _slow_receiver_targets(slow: Summary) -> Iterator[Target]:
    for concurrency in CONCURRENCIES:
        if rate := slow.median(PROJECT.name, "steady_per_second", str(concurrency)):
            what = f"callbacks/s to a receiver that takes 1 s, of WORKER_CONCURRENCY={concurrency}"
            yield Target(what, rate / concurrency, "≥", 0.8)


def _memory_targets(growth: Summary) -> Iterator[Target]:
    for workers in WORKERS:
        case = growth_case(SIZES[-1], workers)
        early = growth.median(PROJECT.name, "rss_mb_at.010", case)
        end = growth.median(PROJECT.name, "rss_mb_at.100", case)
        if early and end:
            yield Target(f"memory at the end of {case}, of that at 10 %", end / early, "≤", _FLAT)
