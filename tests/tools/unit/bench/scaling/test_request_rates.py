"""The formulas for requests per task, beside the services' own code on a simulated SQS and beside what was measured."""

from dataclasses import replace

import pytest

from bench.scaling.aws import billed_requests
from bench.scaling.cost_tables import full_batches, standing_requests
from bench.scaling.measured import measured
from bench.scaling.request_rates import Fleet, batched, one_by_one, payload_cost, single
from bench.scaling.simulation import Load, idle_receives_per_second, simulate
from services.queueing.idle_rest import REST_SECONDS

FLEETS = [
    Fleet(),
    Fleet(workers=2),
    Fleet(api_processes=2, workers=4),
    Fleet(api_processes=4, workers=10, round_trip=0.02),
]


@pytest.mark.parametrize("fleet", FLEETS, ids=lambda fleet: f"{fleet.api_processes}-{fleet.workers}")
@pytest.mark.parametrize("rate", [10, 100, 1000])
def test_the_formula_agrees_with_the_simulation(rate: float, fleet: Fleet) -> None:
    observed = simulate(
        Load(
            # Enough that it matters little how a run begins and ends.
            tasks=round(max(400, 2 * rate)),
            tasks_per_second=rate,
            api_processes=fleet.api_processes,
            workers=fleet.workers,
            worker_concurrency=400,
            wait_seconds=0.05,
            round_trip_seconds=fleet.round_trip,
        )
    )
    # Furthest apart where a worker begins to have several receives under way.
    assert observed.all_requests_per_task == pytest.approx(batched(rate, fleet).total, rel=0.12)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_empty_receives_are_counted_by_the_wait_of_a_long_poll(workers: int) -> None:
    observed = simulate(Load(tasks=600, tasks_per_second=0.1, workers=workers))
    expected = batched(0.1, Fleet(workers=workers)).empty_receives
    assert observed.empty_receives_per_task == pytest.approx(expected, rel=0.15)


def test_the_simulation_of_a_full_queue_makes_the_receives_and_deletes_that_were_measured() -> None:
    observed = simulate(Load(tasks=2000))
    assert observed.requests_per_task["ReceiveMessage"] == pytest.approx(0.1, rel=0.05)
    assert observed.requests_per_task["DeleteMessageBatch"] == pytest.approx(0.1, rel=0.05)


@pytest.mark.parametrize("system", measured())
def test_full_batches_cost_the_requests_that_were_measured(system: str) -> None:
    # Celery's prefork pool needs half a request more: its receives bring fewer messages.
    assert full_batches(system).total == pytest.approx(measured()[system].requests_per_task, rel=0.25)


def test_an_idle_consumer_makes_one_long_poll_after_the_other() -> None:
    assert idle_receives_per_second() == pytest.approx(1 / Fleet().wait_time, rel=0.01)


def test_a_consumer_that_rests_between_polls_makes_few_of_them() -> None:
    assert idle_receives_per_second(rests=True) == pytest.approx(1 / (Fleet().wait_time + REST_SECONDS), rel=0.01)


def test_an_idle_stack_of_the_two_task_types_stays_below_the_million_requests_that_aws_gives_for_nothing() -> None:
    assert sum(each.per_month for each in standing_requests()) < 1_000_000


def test_where_tasks_are_few_only_deletes_share_requests() -> None:
    fleet = Fleet()
    assert batched(1, fleet).deletes < 0.4
    assert replace(batched(1, fleet), deletes=1).total == pytest.approx(single(1, fleet).total, rel=0.01)
    assert single(1, fleet).total == pytest.approx(one_by_one(1, fleet).total, rel=0.01)


def test_a_load_on_more_processes_costs_more_requests() -> None:
    costs = [batched(1000, Fleet(api_processes=number, workers=number)).total for number in (1, 2, 4, 8)]
    assert costs == sorted(costs)
    assert costs[-1] > 2 * costs[0]


@pytest.mark.parametrize(("payload_bytes", "requests"), [(0, 1), (1, 1), (65_536, 1), (65_537, 2), (1_048_576, 16)])
def test_each_64_kb_of_a_request_are_billed_as_one(payload_bytes: int, requests: int) -> None:
    assert billed_requests(payload_bytes) == requests


def test_a_batch_holds_as_many_sends_as_its_bytes_allow() -> None:
    assert [payload_cost(kilobytes * 1024).batch_entries for kilobytes in (1, 102, 103, 256, 513, 1024)] == [
        10,
        10,
        9,
        4,
        1,
        1,
    ]


def test_large_messages_are_billed_by_their_bytes_and_not_by_their_batches() -> None:
    small, large = payload_cost(1024), payload_cost(640 * 1024)
    assert small.billed == pytest.approx(0.3)
    assert large.billed == pytest.approx(10 + 10 + 0.1)
