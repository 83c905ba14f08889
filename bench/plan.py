"""What `make bench` measures, and how much of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.api import api_steps
from bench.builds import Builds
from bench.callback_clients import callback_client_steps
from bench.overhead import overhead_steps
from bench.steps import FEW, ONCE, Step, whole_path_step, worker_step
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
    project_over_http,
)

SLOW = (NAIVE, CELERY_THREADS, TASKIQ_PLAIN)
OTHERS = (CELERY_GEVENT, CELERY_PREFORK, TASKIQ_BATCHING, DRAMATIQ_THREADS)
"""Measured once, so that the whole stays short."""
NO_OTHER_BUILDS = Builds()


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is done in a step, so that the whole takes a known time."""

    fast_drain: int
    slow_drain: int
    other_drain: int
    rush: int
    """Of the fast ones; the slow ones get half of it."""
    latency_seconds: float


FULL = Sizes(fast_drain=3000, slow_drain=500, other_drain=600, rush=800, latency_seconds=2)
QUICK = Sizes(fast_drain=800, slow_drain=200, other_drain=100, rush=300, latency_seconds=0.8)


def bench_steps(builds: Builds = NO_OTHER_BUILDS, *, quick: bool) -> Sequence[Step]:
    """Return all steps of one repetition; each other build of this project comes right behind it."""
    sizes = QUICK if quick else FULL
    seconds = sizes.latency_seconds
    others = () if quick else OTHERS
    baseline, other_python = _known(builds.baseline), _known(builds.other_python)
    return [
        *(worker_step(system, sizes.fast_drain, sizes.rush, seconds) for system in (PROJECT, *baseline)),
        *(worker_step(system, sizes.fast_drain, 0, seconds, FEW) for system in other_python),
        worker_step(BOUND, sizes.fast_drain, sizes.rush, seconds),
        *(worker_step(system, sizes.slow_drain, sizes.rush // 2, seconds) for system in SLOW),
        *(worker_step(system, sizes.other_drain, 0, seconds, ONCE) for system in others),
        *(
            whole_path_step(system, 2 * sizes.rush, seconds)
            for system in (PROJECT_OVER_HTTP, *map(project_over_http, baseline))
        ),
        whole_path_step(CELERY_OVER_HTTP, sizes.rush // 2, seconds),
        *overhead_steps(quick=quick),
        *api_steps((*baseline, *other_python), quick=quick),
        *callback_client_steps(quick=quick),
    ]


def _known(build: System | None) -> tuple[System, ...]:
    return (build,) if build else ()
