"""The plan of faults: the same for the same seed, within the run, and complete when the run is long enough."""

from itertools import product

import pytest

from tests.chaos.broker_proxy import BrokerFault
from tests.chaos.chaos_stack import targets
from tests.chaos.plan import (
    CALM_SECONDS,
    ForeignMessages,
    PlannedFault,
    ReceiverMisbehaves,
    ReceiverStopped,
    Signalled,
    SlackRateLimited,
    Targets,
    make_plan,
)

TARGETS = Targets(
    workers=[("worker-a", "worker-a-2"), ("worker-b", "worker-b-2")],
    others=("api", "dlq-watcher", "receiver"),
    queues=("a", "a-dlq", "b", "b-dlq"),
    visibility_timeout_seconds=6,
    in_place_seconds=0.7,
)
LONG = 3000.0


def faults(plan: list[PlannedFault]) -> list[object]:
    return [planned.fault for planned in plan]


def of_type(plan: list[PlannedFault], kind: type) -> list[PlannedFault]:
    return [planned for planned in plan if isinstance(planned.fault, kind)]


def test_the_same_seed_has_the_same_plan_and_another_another() -> None:
    assert make_plan(1, 60, TARGETS) == make_plan(1, 60, TARGETS) != make_plan(2, 60, TARGETS)


@pytest.mark.parametrize("seconds", [10, 60, 300])
def test_every_fault_is_within_the_run_and_in_order(seconds: float) -> None:
    for seed in range(20):
        plan = make_plan(seed, seconds, TARGETS)
        assert all(planned.begins_at >= CALM_SECONDS for planned in plan)
        assert all(planned.begins_at + planned.lasts <= seconds + 0.1 for planned in plan)
        assert plan == sorted(plan, key=lambda planned: planned.begins_at)


@pytest.mark.parametrize("signal", ["SIGKILL", "SIGTERM", "SIGSTOP"])
def test_each_signal_reaches_each_service_alone(signal: str) -> None:
    alone = {
        planned.fault.services[0]
        for planned in make_plan(1, LONG, TARGETS)
        if isinstance(planned.fault, Signalled) and planned.fault.signal == signal and len(planned.fault.services) == 1
    }
    assert alone == set(TARGETS.services)


def test_services_are_paused_for_less_and_for_more_than_the_visibility_timeout() -> None:
    pauses = {
        planned.lasts
        for planned in make_plan(1, LONG, TARGETS)
        if isinstance(planned.fault, Signalled) and planned.fault.signal == "SIGSTOP"
    }
    assert min(pauses) < TARGETS.visibility_timeout_seconds < max(pauses)


def test_several_services_fail_at_once_and_all_workers_of_a_queue_too() -> None:
    together = [
        planned.fault.services
        for planned in make_plan(1, LONG, TARGETS)
        if isinstance(planned.fault, Signalled) and len(planned.fault.services) > 1
    ]
    assert set(TARGETS.workers) <= set(map(tuple, together))
    assert any(len(services) > 2 for services in together)


def test_the_receiver_is_down_for_longer_than_a_callback_is_tried_in_place() -> None:
    stops = of_type(make_plan(1, LONG, TARGETS), ReceiverStopped)
    assert stops
    assert all(planned.lasts > TARGETS.in_place_seconds for planned in stops)


def test_the_receiver_misbehaves_in_every_way_and_slack_too() -> None:
    plan = make_plan(1, LONG, TARGETS)
    ways = {fault.how for fault in faults(plan) if isinstance(fault, ReceiverMisbehaves)}
    assert ways == {"500", "429", "hang", "close", "drip"}
    assert of_type(plan, SlackRateLimited)


def test_each_broker_call_fails_in_each_way_before_and_after_it_is_done() -> None:
    failures = {
        (fault.operation, fault.answer, fault.done)
        for fault in faults(make_plan(1, LONG, TARGETS))
        if isinstance(fault, BrokerFault)
    }
    batches = ["SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"]
    assert failures == {
        *product([*batches, "ReceiveMessage"], ["error", "reset", "silence"], [False, True]),
        *product([*batches, "ReceiveMessage"], ["throttled"], [False]),
        *product(batches, ["entry refused", "entry unmentioned"], [False, True]),
        *product(["*"], ["error", "reset", "silence"], [False]),
    }


def test_foreign_messages_come_into_every_queue() -> None:
    plan = make_plan(1, LONG, TARGETS)
    assert {fault.queue for fault in faults(plan) if isinstance(fault, ForeignMessages)} == set(TARGETS.queues)


def test_the_default_run_signals_every_service_of_the_real_stack() -> None:
    signalled = {
        service
        for planned in make_plan(1, 300, targets())
        if isinstance(planned.fault, Signalled)
        for service in planned.fault.services
    }
    assert signalled == set(targets().services)


def test_the_real_stack_has_two_workers_for_each_queue_and_consumed_queues_alone() -> None:
    real = targets()
    assert ("worker-callbacks", "worker-callbacks-2") in real.workers
    assert {"calculation", "calculation-dlq", "callbacks", "callbacks-dlq"} <= set(real.queues)
    assert "undelivered" not in real.queues
