"""What was measured of this project and its peers, on which the computed figures rest."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from stack.config import ROOT

RESULTS = ROOT / "docs" / "performance" / "results.json"
"""What `make bench` writes."""

PROJECT = "this project"
BOUND = "bound"
TASKIQ_BATCHING = "taskiq, batching sends"
ONE_BY_ONE = "one message at a time, FIFO queue"


@dataclass(frozen=True, slots=True)
class Measured:
    """One worker process draining a full queue of small tasks, sends included."""

    requests_per_task: float
    tasks_per_second: float
    cpu_seconds_per_task: float
    """Of the worker."""


_TAKEN_BY_HAND: Mapping[str, Measured] = {
    PROJECT: Measured(0.3005, 778, 0.00088),
    "Celery, 32 threads": Measured(2.1, 207, 0.0024),
    "dramatiq, 32 threads": Measured(2.1, 227, 0.0023),
    "taskiq": Measured(2.1, 297, 0.0024),
    TASKIQ_BATCHING: Measured(1.2, 407, 0.0022),
    "hand-written loop": Measured(2.1, 258, 0.0024),
    ONE_BY_ONE: Measured(3.0, 150, 0.0027),
    BOUND: Measured(0.30, 1834, 0.0003),
}
"""For what `make bench` has not measured: 1000 to 3000 tasks of two calculations and a callback, one worker process, 2
cores, LocalStack 4.14.0, everything on loopback; this project while other work took most of the cores."""


ACCEPTED_PER_SECOND = 3600
"""Tasks that one API process accepts with coalesced sends, measured at the same time with 64 connections."""


def measured() -> Mapping[str, Measured]:
    """Return the figures by system: those of `make bench` where it has them, else those taken earlier."""
    benchmarked = _medians(json.loads(RESULTS.read_text())["measurements"]) if RESULTS.exists() else {}
    return {**_TAKEN_BY_HAND, **benchmarked}


def _medians(measurements: Iterable[Any]) -> dict[str, Measured]:
    drains: dict[str, list[Mapping[str, float]]] = {}
    for measurement in measurements:
        if measurement["scenario"] == "worker":
            drains.setdefault(measurement["system"], []).append(measurement["figures"])
    return {system: _median(figures) for system, figures in drains.items()}


def _median(repetitions: list[Mapping[str, float]]) -> Measured:
    def of(name: str) -> float:
        return median(figures[name] for figures in repetitions)

    return Measured(of("requests_per_task"), of("tasks_per_second"), of("cpu_s_per_1000.worker") / 1000)
