"""The formulas for what a worker can do, beside the services' own code on a simulated SQS."""

import inspect
import math
from typing import Any

import pytest

from bench.scaling.aws import MOST_IN_FLIGHT
from bench.scaling.capacity import (
    BATCHES_UNDER_WAY,
    Worker,
    acceptable_backlog,
    processes_needed,
    seconds_to_drain,
    seconds_to_quota,
    waiting_in_flight,
)
from bench.scaling.simulation import Load, Observed, simulate
from services.queueing.batcher import Batcher


def drained(worker: Worker, tasks: int) -> Observed:
    return simulate(
        Load(
            tasks=tasks,
            worker_concurrency=worker.concurrency,
            cpu_seconds=worker.cpu,
            wait_seconds=worker.wait,
            callback_seconds=worker.callback,
            round_trip_seconds=worker.round_trip,
        )
    )


@pytest.mark.parametrize(
    ("needs", "limit"),
    [
        ({"cpu": 0.0005}, "CPU"),
        ({"cpu": 0.02}, "CPU"),
        ({"cpu": 0.0005, "wait": 0.05, "round_trip": 0.02}, "slots"),
        ({"cpu": 0.0005, "wait": 0.25}, "slots"),
        ({"cpu": 0.0001, "concurrency": 400, "round_trip": 0.03}, "receives"),
        ({"cpu": 0.0005, "callback": 1.0}, "slots of one receiver"),
    ],
)
def test_a_worker_does_what_its_limit_says(needs: dict[str, Any], limit: str) -> None:
    worker = Worker(**{"concurrency": 50, **needs})
    assert worker.limit == limit
    observed = drained(worker, tasks=1000)
    assert observed.tasks_per_second == pytest.approx(worker.tasks_per_second, rel=0.1)


def test_a_receiver_that_takes_a_second_is_called_by_most_slots_at_once_and_loses_no_delivery() -> None:
    observed = drained(Worker(concurrency=100, cpu=0.0005, callback=1.0), tasks=1000)
    assert observed.tasks_per_second >= 0.8 * 100
    assert observed.queued_outcomes == 0


def test_slots_taken_follow_the_load_and_the_age_does_not() -> None:
    worker = Worker(concurrency=50, cpu=0.0005, wait=0.2)
    half, most = (
        simulate(Load(tasks=1000, tasks_per_second=load * worker.tasks_per_second, wait_seconds=0.2))
        for load in (0.5, 0.8)
    )
    assert half.slot_utilisation == pytest.approx(0.5, abs=0.08)
    assert most.slot_utilisation == pytest.approx(0.8, abs=0.08)
    assert most.mean_age < worker.wait / 10


def test_a_process_has_as_many_batches_under_way_as_the_formula_says() -> None:
    assert inspect.signature(Batcher).parameters["max_batches_in_flight"].default == BATCHES_UNDER_WAY


@pytest.mark.parametrize(("rate", "processes"), [(1, 1), (70, 1), (71, 2), (700, 10)])
def test_processes_are_planned_to_be_busy_in_part(rate: float, processes: int) -> None:
    assert processes_needed(rate, capacity=100, utilisation=0.7) == processes


def test_the_acceptable_backlog_is_worked_in_the_acceptable_time() -> None:
    worker = Worker(concurrency=50, cpu=0.001, wait=1)
    assert seconds_to_drain(acceptable_backlog(worker, 30), 0, worker.tasks_per_second) == pytest.approx(30)


def test_a_backlog_stays_where_tasks_come_as_fast_as_they_are_done() -> None:
    assert seconds_to_drain(1, rate=100, capacity=100) == math.inf


def test_the_quota_is_reached_by_what_fails_while_the_first_of_it_still_waits() -> None:
    waits = (100.0, 900.0)
    least = MOST_IN_FLIGHT / 1000
    assert seconds_to_quota(least * 0.99, waits) == math.inf
    assert seconds_to_quota(least * 2, waits) == pytest.approx(500)
    assert waiting_in_flight(least, waits) == pytest.approx(MOST_IN_FLIGHT)
