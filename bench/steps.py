"""What `make bench` does, step by step. A step measures one system in one way, and is repeated."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.environments import Environment
from bench.lab import Lab
from bench.loads import IDLE_PER_SECOND, Figures, drain, latency, round_trip, rush
from bench.systems import (
    BOUND,
    CELERY_GEVENT,
    CELERY_OVER_HTTP,
    CELERY_PREFORK,
    CELERY_THREADS,
    DRAMATIQ_THREADS,
    NAIVE,
    PROJECT,
    PROJECT_OVER_HTTP,
    TASKIQ_BATCHING,
    TASKIQ_PLAIN,
    System,
)

WORKER = "worker"
WHOLE_PATH = "whole-path"


@dataclass(frozen=True)
class Step:
    """One system in one scenario."""

    scenario: str
    system: str
    case: str
    run: Callable[[Lab], Figures]
    """Measures once."""
    environment: Environment | None = None
    """What must be installed for it, where that is not this program's own."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is done in a step, so that the whole takes a known time."""

    fast_drain: int
    slow_drain: int
    other_drain: int
    rush: int
    """Of the fast ones; the slow ones get half of it."""
    latency_seconds: float


FULL = Sizes(fast_drain=3000, slow_drain=1000, other_drain=600, rush=1000, latency_seconds=2.5)
QUICK = Sizes(fast_drain=800, slow_drain=200, other_drain=100, rush=300, latency_seconds=0.8)


def worker_step(system: System, sizes: Sizes, tasks: int, rush_tasks: int) -> Step:
    """Return the step of a worker: a drain, latencies when idle, and, with `rush_tasks`, at half of what it carries."""

    def measure(lab: Lab) -> Figures:
        with lab.running(system) as run:
            figures = drain(run, tasks)
            figures |= latency(run, "idle", round(sizes.latency_seconds * IDLE_PER_SECOND), IDLE_PER_SECOND)
            if rush_tasks:
                carried = rush(run, rush_tasks)["tasks_per_second"]
                figures |= {"carried_per_second": carried}
                figures |= latency(run, "half", round(sizes.latency_seconds * carried / 2), carried / 2)
            return figures

    return Step(WORKER, system.name, "", measure, system.environment)


def whole_path_step(system: System, sizes: Sizes, tasks: int) -> Step:
    """Return the step of a system with its API: everything begins with a POST."""

    def measure(lab: Lab) -> Figures:
        with lab.running(system) as run:
            figures = rush(run, tasks) | round_trip(run, 200)
            figures |= latency(run, "idle", round(sizes.latency_seconds * IDLE_PER_SECOND), IDLE_PER_SECOND)
            half = figures["tasks_per_second"] / 2
            return figures | latency(run, "half", round(sizes.latency_seconds * half), half)

    return Step(WHOLE_PATH, system.name, "", measure, system.environment)


def steps(*, quick: bool) -> Sequence[Step]:
    """Return all steps of one repetition."""
    sizes = QUICK if quick else FULL
    fast = [worker_step(system, sizes, sizes.fast_drain, sizes.rush) for system in (PROJECT, BOUND)]
    slow_systems = (NAIVE, CELERY_THREADS, TASKIQ_PLAIN)
    slow = [worker_step(system, sizes, sizes.slow_drain, sizes.rush // 2) for system in slow_systems]
    other_systems = () if quick else (CELERY_GEVENT, CELERY_PREFORK, TASKIQ_BATCHING, DRAMATIQ_THREADS)
    others = [worker_step(system, sizes, sizes.other_drain, 0) for system in other_systems]
    whole_path = [
        whole_path_step(PROJECT_OVER_HTTP, sizes, 2 * sizes.rush),
        whole_path_step(CELERY_OVER_HTTP, sizes, sizes.rush // 2),
    ]
    return [*fast, *slow, *others, *whole_path]
