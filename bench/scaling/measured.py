"""What was measured of this project and its peers, on which the computed figures rest."""

import json
from collections.abc import Iterator, Mapping
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


_TAKEN_BY_HAND: Mapping[str, Measured] = {ONE_BY_ONE: Measured(3.0, 150, 0.0027)}
"""What `make bench` does not run: a worker that takes one message at a time from a FIFO queue, 1000 tasks of two
calculations and a callback, 2 cores, LocalStack 4.14.0, everything on loopback."""


def measured() -> Mapping[str, Measured]:
    """Return the figures by system: those of `make bench`, and what it does not run."""
    drains: dict[str, list[Mapping[str, float]]] = {}
    for measurement in _measurements("worker"):
        drains.setdefault(measurement["system"], []).append(measurement["figures"])
    return {**_TAKEN_BY_HAND, **{system: _median(figures) for system, figures in drains.items()}}


def accepted_per_second() -> float:
    """Return how many tasks one API process accepts, of 64 connections."""
    rates: list[float] = [
        measurement["figures"]["requests_per_second"]
        for measurement in _measurements("api")
        if (measurement["system"], measurement["case"]) == (PROJECT, "64 connections")
    ]
    return median(rates)


def _measurements(scenario: str) -> Iterator[Any]:
    yield from (each for each in json.loads(RESULTS.read_text())["measurements"] if each["scenario"] == scenario)


def _median(repetitions: list[Mapping[str, float]]) -> Measured:
    def of(name: str) -> float:
        return median(figures[name] for figures in repetitions)

    return Measured(of("requests_per_task"), of("tasks_per_second"), of("cpu_s_per_1000.worker") / 1000)
