"""What `make bench` measures, and how much of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.api import api_steps
from bench.callback_clients import callback_client_steps
from bench.overhead import overhead_steps
from bench.steps import ONCE, Step, whole_path_step, worker_step
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
)

FAST = (PROJECT, BOUND)
SLOW = (NAIVE, CELERY_THREADS, TASKIQ_PLAIN)
OTHERS = (CELERY_GEVENT, CELERY_PREFORK, TASKIQ_BATCHING, DRAMATIQ_THREADS)
"""Measured once, so that the whole stays short."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is done in a step, so that the whole takes a known time."""

    fast_drain: int
    slow_drain: int
    other_drain: int
    rush: int
    """Of the fast ones; the slow ones get half of it."""
    latency_seconds: float


FULL = Sizes(fast_drain=3000, slow_drain=700, other_drain=600, rush=800, latency_seconds=2)
QUICK = Sizes(fast_drain=800, slow_drain=200, other_drain=100, rush=300, latency_seconds=0.8)


def bench_steps(*, quick: bool) -> Sequence[Step]:
    """Return all steps of one repetition."""
    sizes = QUICK if quick else FULL
    seconds = sizes.latency_seconds
    others = () if quick else OTHERS
    return [
        *(worker_step(system, sizes.fast_drain, sizes.rush, seconds) for system in FAST),
        *(worker_step(system, sizes.slow_drain, sizes.rush // 2, seconds) for system in SLOW),
        *(worker_step(system, sizes.other_drain, 0, seconds, ONCE) for system in others),
        whole_path_step(PROJECT_OVER_HTTP, 2 * sizes.rush, seconds),
        whole_path_step(CELERY_OVER_HTTP, sizes.rush // 2, seconds),
        *overhead_steps(quick=quick),
        *api_steps(quick=quick),
        *callback_client_steps(quick=quick),
    ]
