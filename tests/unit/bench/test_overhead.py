"""What metrics cost: pairs of drains, compared with each other alone."""

import pytest

from bench.loads import Figures
from bench.overhead import METRICS, figures_of, overhead_steps, overhead_tables, overhead_targets
from bench.plan import bench_steps
from bench.systems import PROJECT
from tests.unit.bench.records import measured, results_of


def drained(per_second: float, cpu: float = 0.5, lost: float = 0) -> Figures:
    return {"tasks_per_second": per_second, "cpu_s_per_1000.worker": cpu, "lost": lost, "duplicated": 0.0}


def test_the_share_is_the_median_of_the_ratios_within_a_pair() -> None:
    """The second pair was measured in a slow minute."""
    figures = figures_of([(drained(990), drained(1000)), (drained(480), drained(500)), (drained(1000), drained(1000))])

    assert (figures["share"], figures["share_least"], figures["share_most"]) == (0.99, 0.96, 1.0)
    assert (figures["with.tasks_per_second"], figures["without.tasks_per_second"]) == (990, 1000)


def test_a_task_that_was_lost_in_any_drain_is_told() -> None:
    assert figures_of([(drained(1), drained(1)), (drained(1), drained(1, lost=2))])["lost"] == 2


@pytest.mark.parametrize(("share", "met"), [(0.96, True), (0.95, True), (0.94, False)])
def test_metrics_may_cost_a_twentieth(share: float, *, met: bool) -> None:
    (target,) = overhead_targets(results_of(measured(METRICS, PROJECT.name, {"share": share})))

    assert (target.value, target.met) == (share, met)


def test_the_table_has_both_workers() -> None:
    figures = figures_of([(drained(990, 0.51), drained(1000, 0.5))])

    (table,) = overhead_tables(results_of(measured(METRICS, PROJECT.name, figures)))

    assert table.rows == [
        ["with metrics", "990", "0.51", "0.99 (0.99 to 0.99)"],
        ["METRICS_ENABLED=false", "1 000", "0.5", ""],
    ]


def test_what_was_not_measured_is_not_told() -> None:
    assert list(overhead_targets(results_of())) == []
    assert [table.rows for table in overhead_tables(results_of())] == [[]]


@pytest.mark.parametrize("quick", [True, False])
def test_it_is_measured_in_whole_runs_and_quick_ones(*, quick: bool) -> None:
    (step,) = overhead_steps(quick=quick)

    assert step.once
    assert [each.scenario for each in bench_steps(quick=quick)].count(METRICS) == 1
