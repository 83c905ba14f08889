"""What is made of submissions, arrivals and snapshots."""

from collections import Counter

import pytest

from bench.lab import Snapshot
from bench.loads import cost, duplicates, steady_rate, throughput
from bench.processes import Usage


def test_the_rate_counts_from_the_beginning_to_the_last_first_callback() -> None:
    submitted = {"a": 10.0, "b": 10.0}
    arrivals = {"a": [11.0], "b": [14.0, 99.0]}
    figures = throughput(submitted, arrivals, begun=10.0)
    assert figures["tasks_per_second"] == 2 / 4
    assert figures["duplicated"] == 1
    assert figures["lost"] == 0


def test_a_task_that_was_not_heard_of_is_lost() -> None:
    assert throughput({"a": 1.0, "b": 1.0}, {"a": [2.0]}, begun=1.0)["lost"] == 1


def test_callbacks_beyond_the_first_of_a_task_are_duplicates() -> None:
    assert duplicates({"a": [1.0], "b": [1.0, 2.0, 3.0]}) == 2


def test_the_steady_rate_leaves_the_first_and_the_last_tenth_out() -> None:
    slow_start = [-100.0, -50.0]
    steady = [index / 4 for index in range(16)]
    slow_end = [100.0, 200.0]
    assert steady_rate([*slow_end, *steady, *slow_start]) == 4


def test_callbacks_that_come_at_once_have_no_rate() -> None:
    assert steady_rate([1.0] * 10) == 0


def test_the_cost_is_what_lies_between_two_snapshots_for_each_task() -> None:
    before = Snapshot(Counter(SendMessage=5, ReceiveMessage=1), {"worker": Usage(1.0, 10_000_000)})
    after = Snapshot(Counter(SendMessage=15, ReceiveMessage=2), {"worker": Usage(3.0, 70_000_000)})
    assert cost(before, after, tasks=10) == pytest.approx(
        {
            "requests_per_task.SendMessage": 1.0,
            "requests_per_task.ReceiveMessage": 0.1,
            "requests_per_task": 1.1,
            "cpu_s_per_1000.worker": 200.0,
            "peak_mb.worker": 70.0,
        }
    )
