"""Carries out the steps: repetition after repetition, each in another order, within a time."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.errors import BenchError
from bench.lab import Lab
from bench.measurements import Measurement
from bench.steps import Step
from stack.errors import StackError


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run."""

    measurements: tuple[Measurement, ...]
    failures: tuple[str, ...]
    """Of steps that could not be measured, or lost a task."""
    left_out: int
    """Steps for which there was no time."""


def interleave(steps: Sequence[Step], repetitions: int) -> list[tuple[int, Step]]:
    """Return each step with the number of its repetition.

    Each repetition begins elsewhere, so that nobody always comes first, or after the same one.
    """
    shift = max(1, len(steps) // repetitions)
    plan = [
        (repetition, steps[(index + repetition * shift) % len(steps)])
        for repetition in range(repetitions)
        for index in range(len(steps))
    ]
    return [(repetition, step) for repetition, step in plan if _is_due(step, repetition)]


def _is_due(step: Step, repetition: int) -> bool:
    return step.most_repetitions is None or repetition < step.most_repetitions


def carry_out(
    lab: Lab, plan: Sequence[tuple[int, Step]], deadline: float, on_step: Callable[[int, Step], None]
) -> Outcome:
    """Measure until all is done or the monotonic time `deadline` has come; `on_step` is called before each step."""
    measurements: list[Measurement] = []
    failures: list[str] = []
    for done, (repetition, step) in enumerate(plan):
        if time.monotonic() > deadline:
            return Outcome(tuple(measurements), tuple(failures), len(plan) - done)
        on_step(repetition, step)
        try:
            figures = step.run(lab)
        except (BenchError, StackError) as error:
            failures.append(f"{step.scenario}, {step.system} {step.case}: {error}")
            continue
        measurements.append(Measurement(step.scenario, step.system, step.case, repetition, figures))
    return Outcome(tuple(measurements), tuple(failures), 0)
