"""What metrics and traces cost is the ratio of drains that follow each other, and is held against its limit."""

import pytest

from bench.loads import Figures
from bench.measurements import Measurement
from bench.overhead import (
    METRICS,
    OVERHEAD,
    TRACES,
    TRACES_OF_1_IN_100,
    overhead_steps,
    overhead_targets,
    sum_up,
)
from bench.programs.envelope_producer import attributes_of
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


def test_what_remains_is_held_against_its_limit_as_the_median_of_the_repetitions() -> None:
    results = results_of(*(kept(ratio, repetition=number) for number, ratio in enumerate((0.90, 0.97, 0.96))))
    [target] = overhead_targets(results)
    assert (target.value, target.met) == (0.96, True)


@pytest.mark.parametrize(("case", "least"), [(METRICS, 0.95), (TRACES_OF_1_IN_100, 0.95), (TRACES, 0.75)])
def test_metrics_and_sampled_traces_may_cost_a_twentieth_and_all_traces_a_quarter(case: str, least: float) -> None:
    [enough] = overhead_targets(results_of(kept(least, case)))
    [too_little] = overhead_targets(results_of(kept(least - 0.001, case)))
    assert (enough.met, too_little.met) == (True, False)


def test_all_that_has_a_target_is_measured_in_each_repetition() -> None:
    assert {step.case: step.most_repetitions for step in overhead_steps(quick=False)} == {
        METRICS: None,
        TRACES_OF_1_IN_100: None,
        TRACES: None,
    }


def test_the_first_of_every_so_many_messages_is_sampled() -> None:
    flags = [attributes_of(number, 3)["traceparent"][-2:] for number in range(7)]
    assert flags == ["01", "00", "00", "01", "00", "00", "01"]
    assert attributes_of(0, None) == {}
