"""Rates and percentiles from what the services have counted."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.metrics_text import Readings
from services.console.rates import (
    Increase,
    Snapshot,
    buckets_of,
    histogram_quantile,
    increase_of,
    per_second,
)

ACCEPTED = ("async_tasks_accepted_total", frozenset({("task_type", "data")}))
SLOTS = ("async_tasks_slots", frozenset({("queue", "data")}))


def snapshot(at: float, count: float, *, started_at: float = 0) -> Snapshot:
    return Snapshot(at, started_at, {ACCEPTED: count})


def counted(increase: Increase | None) -> tuple[float, float] | None:
    return (increase.readings[ACCEPTED], increase.seconds) if increase else None


def test_what_a_counter_grew_by_since_the_last_sample_was_counted_in_between() -> None:
    assert counted(increase_of(snapshot(12, 30), snapshot(10, 20), 10)) == (10, 2)


def test_an_instance_that_did_not_answer_for_a_while_has_counted_in_all_that_time() -> None:
    assert counted(increase_of(snapshot(20, 30), snapshot(10, 20), last_sample_at=18)) == (10, 10)


def test_a_process_that_began_anew_has_counted_all_it_shows() -> None:
    assert counted(increase_of(snapshot(12, 25, started_at=11), snapshot(10, 20), 10)) == (25, 2)


def test_a_counter_that_is_less_than_before_began_anew() -> None:
    assert counted(increase_of(snapshot(12, 3), snapshot(10, 20), 10)) == (3, 2)


def test_a_counter_that_was_not_there_before_began_at_nothing() -> None:
    assert counted(increase_of(snapshot(12, 3), Snapshot(10, 0, {}), 10)) == (3, 2)


def test_an_instance_that_started_since_the_last_sample_counts_as_a_whole() -> None:
    assert counted(increase_of(snapshot(12, 5, started_at=11), None, last_sample_at=10)) == (5, 2)


@pytest.mark.parametrize("last_sample_at", [None, 10])
def test_of_an_instance_that_ran_before_it_was_seen_the_age_of_the_counts_is_unknown(
    last_sample_at: float | None,
) -> None:
    assert increase_of(snapshot(12, 5_000, started_at=3), None, last_sample_at) is None


def test_a_clock_that_was_set_back_gives_no_rate() -> None:
    assert increase_of(snapshot(9, 30), snapshot(10, 20), 10) is None


def test_gauges_do_not_grow() -> None:
    before, now = Snapshot(10, 0, {SLOTS: 50}), Snapshot(12, 0, {SLOTS: 60})
    increase = increase_of(now, before, 10)
    assert increase is not None
    assert increase.readings == {}


def attempt(queue: str, result: str, count: float) -> Readings:
    return {("async_tasks_attempts_total", frozenset({("queue", queue), ("result", result)})): count}


def test_the_rates_of_all_instances_add_up_each_over_its_own_time() -> None:
    increases = [Increase(2, attempt("data", "done", 10)), Increase(4, attempt("data", "done", 4))]
    assert per_second(increases, "async_tasks_attempts_total") == 6


def test_a_rate_can_be_that_of_some_results_and_queues() -> None:
    readings = {**attempt("data", "done", 1), **attempt("data", "retried", 2), **attempt("callbacks", "done", 4)}
    increases = [Increase(1, readings)]
    assert per_second(increases, "async_tasks_attempts_total", results=["done"], queues=["data"]) == 1
    assert per_second(increases, "async_tasks_attempts_total", results=["done", "retried"]) == 7


def test_buckets_of_all_instances_and_labels_add_up() -> None:
    def bucket(queue: str, bound: str, count: float) -> Readings:
        return {("async_tasks_work_seconds_bucket", frozenset({("queue", queue), ("le", bound)})): count}

    increases = [
        Increase(1, {**bucket("data", "0.1", 1), **bucket("data", "+Inf", 2)}),
        Increase(1, {**bucket("calculation", "0.1", 3), **bucket("calculation", "+Inf", 3)}),
    ]
    assert buckets_of(increases, "async_tasks_work_seconds") == {0.1: 4, math.inf: 5}
    assert buckets_of(increases, "async_tasks_work_seconds", queues=["data"]) == {0.1: 1, math.inf: 2}


@pytest.mark.parametrize(
    ("quantile", "buckets", "expected"),
    [
        # Evenly spread within the bucket that the rank falls into; the lowest begins at 0.
        (0.5, {1: 10, 2: 10, math.inf: 10}, 0.5),
        (0.5, {1: 0, 2: 10, math.inf: 10}, 1.5),
        (0.95, {1: 90, 2: 100, math.inf: 100}, 1.5),
        # Exactly at a bound.
        (0.5, {1: 5, 2: 10, math.inf: 10}, 1),
        # Beyond the highest finite bound: that bound.
        (0.99, {1: 1, 2: 1, math.inf: 10}, 2),
        # The lowest bucket may end at or below 0.
        (0.1, {-1: 5, 1: 10, math.inf: 10}, -1),
    ],
)
def test_a_quantile_is_interpolated_as_prometheus_does_it(
    quantile: float, buckets: dict[float, float], expected: float
) -> None:
    assert histogram_quantile(quantile, buckets) == pytest.approx(expected)


@pytest.mark.parametrize("buckets", [{}, {math.inf: 3}, {1: 0, math.inf: 0}, {1: 2, 2: 3}])
def test_without_observations_or_without_bounds_there_is_no_quantile(buckets: dict[float, float]) -> None:
    assert histogram_quantile(0.5, buckets) is None


def test_buckets_that_disagree_are_read_as_if_none_counted_less_than_one_below_it() -> None:
    assert histogram_quantile(0.5, {1: 10, 2: 8, math.inf: 10}) == histogram_quantile(0.5, {1: 10, 2: 10, math.inf: 10})


@given(
    counts=st.lists(st.integers(min_value=0, max_value=1000), min_size=2, max_size=10),
    quantiles=st.tuples(st.floats(min_value=0.01, max_value=1), st.floats(min_value=0.01, max_value=1)),
)
def test_a_higher_quantile_is_never_lower_and_all_are_within_the_bounds(
    counts: list[int], quantiles: tuple[float, float]
) -> None:
    total, buckets = 0, {}
    for bound, count in zip([*range(1, len(counts)), math.inf], counts, strict=True):
        total += count
        buckets[float(bound)] = float(total)
    low, high = (histogram_quantile(each, buckets) for each in sorted(quantiles))
    if not total:
        assert low is high is None
        return
    assert low is not None
    assert high is not None
    assert 0 <= low <= high + 1e-9
    assert high <= len(counts) - 1
