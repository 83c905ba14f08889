"""The course of the last minutes."""

import math

import pytest

from services.console.metrics_text import Readings
from services.console.rates import Increase
from services.console.series import LONGEST_SECONDS, Series, failure_rate, point_of

TASK_QUEUES = {"calculation", "data"}


def counter(name: str, value: float, **labels: str) -> Readings:
    return {(name, frozenset(labels.items())): value}


def waits(queue: str, bound: float, count: float) -> Readings:
    name = "async_tasks_queue_wait_seconds_bucket"
    labels = ({"queue": queue, "le": str(each)} for each in (bound, math.inf))
    return {key: value for each in labels for key, value in counter(name, count, **each).items()}


def test_only_attempts_at_tasks_are_done_or_failed() -> None:
    attempts = "async_tasks_attempts_total"
    readings = {
        **counter(attempts, 6, queue="data", result="done"),
        **counter(attempts, 2, queue="calculation", result="dead_lettered"),
        **counter(attempts, 100, queue="callbacks", result="done"),
        **counter(attempts, 100, queue="data-dlq", result="dead_lettered"),
        **counter(attempts, 100, queue="data", result="retried"),
    }

    point = point_of([Increase(2, readings)], TASK_QUEUES)

    assert (point["done"], point["failed"], point["failure_rate"]) == (3, 1, 0.25)


def test_a_delivery_that_is_refused_for_good_is_refused() -> None:
    deliveries = "async_tasks_deliveries_total"
    readings = {
        **counter(deliveries, 3, result="delivered"),
        **counter(deliveries, 1, result="refused"),
        **counter(deliveries, 1, result="rejected"),
    }

    point = point_of([Increase(1, readings)], TASK_QUEUES)

    assert (point["delivered"], point["refused"]) == (3, 2)


def test_where_nobody_answers_nothing_is_known() -> None:
    assert set(point_of([], TASK_QUEUES).values()) == {None}


def test_where_nothing_happened_rates_are_zero_and_latencies_unknown() -> None:
    point = point_of([Increase(1, {})], TASK_QUEUES)

    assert (point["accepted"], point["failure_rate"], point["work.p95"]) == (0, None, None)


def test_the_wait_is_that_of_tasks_and_not_of_what_waits_on_purpose() -> None:
    increases = [Increase(1, {**waits("data", 0.1, 10), **waits("callbacks", 300, 10)})]

    assert point_of(increases, TASK_QUEUES)["queue_wait.p99"] == pytest.approx(0.099)


@pytest.mark.parametrize(
    ("done", "failed", "rate"), [(3.0, 1.0, 0.25), (0.0, 2.0, 1), (2.0, 0.0, 0), (0.0, 0.0, None), (None, None, None)]
)
def test_the_failure_rate_is_that_of_the_tasks_that_ended(
    done: float | None, failed: float | None, rate: float | None
) -> None:
    assert failure_rate(done, failed) == rate


def test_the_series_gives_each_value_column_by_column_oldest_first() -> None:
    series = Series(2)
    for at, accepted in ((100.0, 4.0), (102.0, 6.0)):
        readings = counter("async_tasks_accepted_total", accepted, task_type="data")
        series.add(at, point_of([Increase(2, readings)], TASK_QUEUES))

    answer = series.as_json()

    assert (answer["at"], answer["accepted"], answer["work"]["p50"]) == ([100, 102], [2, 3], [None, None])
    assert answer.keys() == {
        *("at", "accepted", "done", "failed", "delivered", "refused", "failure_rate"),
        *("queue_wait", "end_to_end", "work", "delivery"),
    }


def test_it_goes_back_fifteen_minutes_and_no_further() -> None:
    series, point = Series(2), point_of([], TASK_QUEUES)
    for at in range(0, 2 * LONGEST_SECONDS, 2):
        series.add(at, point)

    answer = series.as_json()["at"]

    assert (answer[0], answer[-1], len(answer)) == (LONGEST_SECONDS, 2 * LONGEST_SECONDS - 2, LONGEST_SECONDS / 2)
