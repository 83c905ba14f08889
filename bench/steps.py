"""The steps of a run: each measures one system in one way, and is repeated."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from bench.lab import Lab
from bench.loads import IDLE_PER_SECOND, Figures, drain, latency, round_trip, rush
from bench.systems import System

WORKER = "worker"
WHOLE_PATH = "whole-path"

ONCE = 1
"""The repetitions of a step that is shown for completeness: no target hangs on it."""
FEW = 3
"""Those of one whose target is far away."""


class Installable(Protocol):
    """What a step needs that this program's own environment does not have."""

    @property
    def name(self) -> str:
        """What it is called."""

    def install(self) -> None:
        """Make it where it is missing or its lock has changed, and print so."""


@dataclass(frozen=True)
class Step:
    """One system in one scenario."""

    scenario: str
    system: str
    case: str
    run: Callable[[Lab], Figures]
    """Measures once."""
    environment: Installable | None = None
    """What must be installed for it, where that is not this program's own."""
    most_repetitions: int | None = None
    """In how many of the run's repetitions it is measured, the first ones; None: in all of them."""


def worker_step(
    system: System, tasks: int, rush_tasks: int, latency_seconds: float, most_repetitions: int | None = None
) -> Step:
    """Return the step of a worker: a drain, latencies when idle, and, with `rush_tasks`, at half of what it carries."""

    def measure(lab: Lab) -> Figures:
        with lab.running(system) as run:
            figures = drain(run, tasks)
            figures |= latency(run, "idle", round(latency_seconds * IDLE_PER_SECOND), IDLE_PER_SECOND)
            if rush_tasks:
                carried = rush(run, rush_tasks)["tasks_per_second"]
                figures |= {"carried_per_second": carried}
                figures |= latency(run, "half", round(latency_seconds * carried / 2), carried / 2)
            return figures

    return Step(WORKER, system.name, "", measure, system.environment, most_repetitions)


def whole_path_step(system: System, tasks: int, latency_seconds: float) -> Step:
    """Return the step of a system with its API: everything begins with a POST."""

    def measure(lab: Lab) -> Figures:
        with lab.running(system) as run:
            figures = rush(run, tasks) | round_trip(run, 200)
            figures |= latency(run, "idle", round(latency_seconds * IDLE_PER_SECOND), IDLE_PER_SECOND)
            half = figures["tasks_per_second"] / 2
            return figures | latency(run, "half", round(latency_seconds * half), half)

    return Step(WHOLE_PATH, system.name, "", measure, system.environment, FEW)
