"""The steps are interleaved, a failure is reported and stops nothing, and the time is kept."""

import math
from unittest.mock import sentinel

import pytest

from bench.errors import BenchError
from bench.loads import Figures
from bench.run import carry_out, interleave
from bench.steps import Step


def step(name: str, figures: Figures | None = None, most_repetitions: int | None = None) -> Step:
    """A step that gives the figures, or fails."""

    def run(_lab: object) -> Figures:
        if figures is None:
            raise BenchError(f"{name} broke")
        return figures

    return Step("worker", name, "", run, most_repetitions=most_repetitions)


def test_each_repetition_has_every_step_and_begins_with_another() -> None:
    plan = interleave([step("a"), step("b"), step("c")], 3)
    order = [(repetition, each.system) for repetition, each in plan]
    assert order == [(0, "a"), (0, "b"), (0, "c"), (1, "b"), (1, "c"), (1, "a"), (2, "c"), (2, "a"), (2, "b")]


@pytest.mark.parametrize("repetitions", [1, 2, 7])
def test_no_step_is_left_out_whatever_the_number_of_repetitions(repetitions: int) -> None:
    plan = interleave([step("a"), step("b")], repetitions)
    assert len({(repetition, each.system) for repetition, each in plan}) == len(plan) == 2 * repetitions


@pytest.mark.parametrize(("most", "repetitions"), [(1, [0]), (2, [0, 1]), (7, [0, 1, 2]), (None, [0, 1, 2])])
def test_a_step_that_few_repetitions_are_enough_for_is_in_the_first_ones(
    most: int | None, repetitions: list[int]
) -> None:
    plan = interleave([step("a"), step("b", most_repetitions=most)], 3)
    assert [repetition for repetition, each in plan if each.system == "b"] == repetitions


def test_a_step_that_fails_is_reported_and_the_others_are_measured() -> None:
    begun: list[str] = []
    plan = [(0, step("broken")), (0, step("sound", {"rate": 1.0}))]
    outcome = carry_out(sentinel.lab, plan, math.inf, lambda _, each: begun.append(each.system))
    assert begun == ["broken", "sound"]
    assert [measurement.system for measurement in outcome.measurements] == ["sound"]
    assert "broken broke" in outcome.failures[0]


def test_what_there_is_no_time_for_is_counted() -> None:
    outcome = carry_out(sentinel.lab, interleave([step("a", {})], 4), -math.inf, lambda *_: None)
    assert outcome.left_out == 4
    assert outcome.measurements == ()
