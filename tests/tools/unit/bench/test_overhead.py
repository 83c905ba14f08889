"""What metrics cost is the ratio of drains that follow each other, and is held against its limit."""

import pytest

from bench.loads import Figures
from bench.measurements import Measurement
from bench.overhead import METRICS, OVERHEAD, TRACES, overhead_steps, overhead_targets, sum_up
from bench.systems import PROJECT
from tests.tools.unit.bench.records import measured, results_of


def drained(tasks_per_second: float, cpu: float = 1.0) -> Figures:
    return {"tasks_per_second": tasks_per_second, "cpu_s_per_1000.worker": cpu}


def kept(ratio: float, case: str = METRICS, repetition: int = 0) -> Measurement:
    return measured(OVERHEAD, PROJECT.name, {"of_both_off.tasks_per_second": ratio}, case, repetition)


def test_throughput_is_compared_within_a_round() -> None:
    # A machine of which others take half after the first round.
    figures = sum_up([(drained(1900), drained(2000)), (drained(960), drained(1000)), (drained(970), drained(1000))])
    assert figures["tasks_per_second"] == 970
    assert figures["both_off.tasks_per_second"] == 1000
    assert figures["of_both_off.tasks_per_second"] == 0.96


def test_cpu_is_compared_over_all_rounds_together() -> None:
    figures = sum_up([(drained(1, cpu=0.5), drained(1, cpu=0.4)), (drained(1, cpu=0.7), drained(1, cpu=0.6))])
    assert figures["cpu_s_per_1000.worker"] == pytest.approx(0.6)
    assert figures["both_off.cpu_s_per_1000.worker"] == pytest.approx(0.5)
    assert figures["of_both_off.cpu_s_per_1000.worker"] == pytest.approx(1.2)


def test_the_target_is_for_metrics_alone_and_the_median_of_the_repetitions() -> None:
    results = results_of(*(kept(ratio, repetition=number) for number, ratio in enumerate((0.90, 0.97, 0.96))))
    [target] = overhead_targets(results)
    assert (target.value, target.met) == (0.96, True)
    assert not list(overhead_targets(results_of(kept(0.6, TRACES))))


def test_more_than_a_twentieth_is_too_much() -> None:
    [target] = overhead_targets(results_of(kept(0.949)))
    assert not target.met


def test_what_has_no_target_is_measured_once() -> None:
    assert {step.case: step.most_repetitions for step in overhead_steps(quick=False)} == {METRICS: None, TRACES: 1}
