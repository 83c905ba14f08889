"""The targets: medians of the ratios within a repetition, judged as they are."""

import pytest

from bench.growth import growth_case
from bench.measurements import Measurement
from bench.systems import BOUND, CELERY_OVER_HTTP, CELERY_THREADS, NAIVE, PROJECT, PROJECT_OVER_HTTP, TASKIQ_PLAIN
from bench.targets import Target, bench_targets, growth_targets, targets_table
from tests.tools.unit.bench.records import measured, results_of


def rate(system: str, tasks_per_second: float, scenario: str = "worker") -> Measurement:
    return measured(scenario, system, {"tasks_per_second": tasks_per_second})


def values(targets: list[Target]) -> dict[str, float]:
    return {target.what: target.value for target in targets}


def test_the_worker_is_held_against_the_bound_the_best_of_the_others_and_celery() -> None:
    results = results_of(
        rate(PROJECT.name, 1500), rate(BOUND.name, 2000), rate(CELERY_THREADS.name, 200), rate(TASKIQ_PLAIN.name, 300)
    )
    assert values(bench_targets(results)) == {
        "worker drain, of the bound's": 0.75,
        "worker drain, of the best other system's (taskiq)": 5.0,
        "worker drain, of Celery's (Celery, 32 threads)": 7.5,
    }


def test_what_was_measured_within_a_repetition_is_compared() -> None:
    def repeated(system: str, *rates: float) -> list[Measurement]:
        return [
            Measurement("worker", system, "", repetition, {"tasks_per_second": each})
            for repetition, each in enumerate(rates)
        ]

    # A machine of which others take half from the second repetition on.
    results = results_of(*repeated(PROJECT.name, 1600, 800, 900), *repeated(BOUND.name, 2000, 1000, 1000))
    assert values(bench_targets(results)) == {"worker drain, of the bound's": 0.8}


def test_a_hand_written_loop_counts_among_the_others() -> None:
    results = results_of(rate(PROJECT.name, 1000), rate(NAIVE.name, 500), rate(CELERY_THREADS.name, 100))
    assert values(bench_targets(results))[f"worker drain, of the best other system's ({NAIVE.name})"] == 2.0


def test_other_builds_of_this_project_are_no_others() -> None:
    results = results_of(
        rate(PROJECT.name, 1000), rate(f"{PROJECT.name} at 6c3b5bf", 900), rate(f"{PROJECT.name} on Python 3.13", 1200)
    )
    assert bench_targets(results) == []


def test_the_idle_latency_is_compared_without_the_round_trip_that_the_loop_does_not_make() -> None:
    results = results_of(
        measured("worker", NAIVE.name, {"idle_p50_ms": 8.0}),
        measured("whole-path", PROJECT_OVER_HTTP.name, {"idle_p50_ms": 9.0, "round_trip_p50_ms": 1.0}),
    )
    (target,) = bench_targets(results)
    assert target.value == 1.0
    assert target.met


def test_the_whole_path_is_held_against_celery_behind_the_same_endpoint() -> None:
    results = results_of(
        rate(PROJECT_OVER_HTTP.name, 600, "whole-path"), rate(CELERY_OVER_HTTP.name, 100, "whole-path")
    )
    assert [target.value for target in bench_targets(results)] == [6.0]


def test_memory_is_flat_where_the_end_is_as_the_first_tenth() -> None:
    figures = {"rss_mb_at.010": 80.0, "rss_mb_at.100": 96.0}
    (target,) = growth_targets(results_of(measured("growth", PROJECT.name, figures, growth_case(50_000, 1))))
    assert target.value == 1.2
    assert not target.met


def test_a_slow_receiver_is_called_by_most_of_the_slots() -> None:
    (target,) = growth_targets(results_of(measured("slow-receiver", PROJECT.name, {"steady_per_second": 45.0}, "50")))
    assert target.value == 0.9
    assert target.met


def test_what_was_not_measured_has_no_target() -> None:
    assert bench_targets(results_of()) == []
    assert growth_targets(results_of()) == []


@pytest.mark.parametrize(
    ("target", "met"),
    [
        (Target("", 0.8, "≥", 0.8), True),
        (Target("", 0.79, "≥", 0.8), False),
        (Target("", 0.35, "≤", 0.35), True),
        (Target("", 0.36, "≤", 0.35), False),
    ],
)
def test_a_target_is_met_or_it_is_not(target: Target, met: bool) -> None:  # noqa: FBT001
    assert target.met is met
    assert ("**not met**" in targets_table([target]).rows[0]) is not met
