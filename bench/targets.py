"""What the results are to show, and whether they do."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bench.growth import CONCURRENCIES, GROWTH, SIZES, SLOW_RECEIVER, WORKERS, growth_case
from bench.results import Summary
from bench.steps import WHOLE_PATH, WORKER
from bench.systems import BOUND, CELERY_OVER_HTTP, CELERY_THREADS, NAIVE, PROJECT, PROJECT_OVER_HTTP
from bench.tables import Table, number


@dataclass(frozen=True, slots=True)
class Target:
    """A figure, and what it must be."""

    what: str
    value: float
    relation: Literal["≥", "≤"]
    limit: float

    @property
    def met(self) -> bool:
        """Whether it is."""
        return self.value >= self.limit if self.relation == "≥" else self.value <= self.limit


def bench_targets(summary: Summary) -> list[Target]:
    """The targets of `make bench` whose figures were measured."""
    return [*_worker_targets(summary), *_latency_targets(summary), *_whole_path_targets(summary)]


def growth_targets(summary: Summary) -> list[Target]:
    """The targets of `make bench-growth` whose figures were measured."""
    return [*_slow_receiver_targets(summary), *_memory_targets(summary)]


def targets_table(targets: list[Target]) -> Table:
    """Return them as a table."""
    rows = [
        [target.what, number(target.value), f"{target.relation} {target.limit:g}", "met" if target.met else "**not met**"]
        for target in targets
    ]
    return Table("Targets", ["target", "measured", "wanted", ""], rows)


def _worker_targets(summary: Summary) -> Iterator[Target]:
    rate = summary.median(WORKER, PROJECT.name, "tasks_per_second")
    if rate is None:
        return
    bound = summary.median(WORKER, BOUND.name, "tasks_per_second")
    if bound:
        yield Target("worker drain, of the bound's", rate / bound, "≥", 0.8)
    others = set(summary.systems(WORKER)) - {PROJECT.name, BOUND.name}
    rates = {system: summary.median(WORKER, system, "tasks_per_second") or 0 for system in others}
    if rates:
        best = max(rates, key=lambda system: rates[system])
        yield Target(f"worker drain, of the best other system's ({best})", rate / rates[best], "≥", 3.5)
    if celery := rates.get(CELERY_THREADS.name):
        yield Target(f"worker drain, of Celery's ({CELERY_THREADS.name})", rate / celery, "≥", 6)
    for what, figure, limit in (
        ("SQS requests a task", "requests_per_task", 0.35),
        ("worker CPU, s per 1000 tasks", "cpu_s_per_1000.worker", 0.55),
    ):
        if (value := summary.median(WORKER, PROJECT.name, figure)) is not None:
            yield Target(what, value, "≤", limit)


def _latency_targets(summary: Summary) -> Iterator[Target]:
    whole = summary.median(WHOLE_PATH, PROJECT_OVER_HTTP.name, "idle_p50_ms")
    round_trip = summary.median(WHOLE_PATH, PROJECT_OVER_HTTP.name, "round_trip_p50_ms")
    naive = summary.median(WORKER, NAIVE.name, "idle_p50_ms")
    if whole and round_trip and naive:
        what = f"idle submit → callback through the whole product, less an HTTP round trip, of the {NAIVE.name}'s"
        yield Target(what, (whole - round_trip) / naive, "≤", 1.3)


def _whole_path_targets(summary: Summary) -> Iterator[Target]:
    rate = summary.median(WHOLE_PATH, PROJECT_OVER_HTTP.name, "tasks_per_second")
    celery = summary.median(WHOLE_PATH, CELERY_OVER_HTTP.name, "tasks_per_second")
    if rate and celery:
        yield Target("whole path, tasks/s, of Celery's behind the same endpoint", rate / celery, "≥", 3)


def _slow_receiver_targets(summary: Summary) -> Iterator[Target]:
    for concurrency in CONCURRENCIES:
        rate = summary.median(SLOW_RECEIVER, PROJECT.name, "steady_per_second", str(concurrency))
        if rate:
            what = f"callbacks/s to a receiver that takes 1 s, of WORKER_CONCURRENCY={concurrency}"
            yield Target(what, rate / concurrency, "≥", 0.8)


def _memory_targets(summary: Summary) -> Iterator[Target]:
    for workers in WORKERS:
        case = growth_case(SIZES[-1], workers)
        early = summary.median(GROWTH, PROJECT.name, "rss_mb_at.010", case)
        end = summary.median(GROWTH, PROJECT.name, "rss_mb_at.100", case)
        if early and end:
            yield Target(f"memory at the end of {case}, of that at 10 %", end / early, "≤", 1.1)
