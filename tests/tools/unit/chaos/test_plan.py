"""The plan of faults: the same for the same seed, within the run, and complete when the run is long enough."""

import pytest

from tests.chaos.chaos_stack import IN_PLACE_RETRY_SECONDS, consumed_queues
from tests.chaos.faults import ForeignMessages, ReceiverMisbehaves, ReceiverStopped, SlackRateLimited
from tests.chaos.function_stack import FunctionStack
from tests.chaos.plan import CALM_SECONDS, PlannedFault, Targets, make_plan
from tests.chaos.process_stack import ProcessStack

LONG = 3000.0

of_every_stack = pytest.mark.parametrize(
    "targets", [ProcessStack.targets(), FunctionStack.targets()], ids=["processes", "functions"]
)


def faults(plan: list[PlannedFault]) -> list[object]:
    return [planned.fault for planned in plan]


@of_every_stack
def test_the_same_seed_has_the_same_plan_and_another_another(targets: Targets) -> None:
    assert make_plan(1, 60, targets) == make_plan(1, 60, targets) != make_plan(2, 60, targets)


@of_every_stack
@pytest.mark.parametrize("seconds", [10, 60, 300])
def test_every_fault_is_within_the_run_and_in_order(targets: Targets, seconds: float) -> None:
    for seed in range(20):
        plan = make_plan(seed, seconds, targets)
        assert all(planned.begins_at >= CALM_SECONDS for planned in plan)
        assert all(planned.begins_at + planned.lasts <= seconds + 0.1 for planned in plan)
        assert plan == sorted(plan, key=lambda planned: planned.begins_at)


@of_every_stack
def test_the_receiver_is_down_for_longer_than_a_callback_is_tried_in_place(targets: Targets) -> None:
    stops = [planned for planned in make_plan(1, LONG, targets) if isinstance(planned.fault, ReceiverStopped)]
    assert stops
    assert all(planned.lasts > sum(IN_PLACE_RETRY_SECONDS) for planned in stops)


@of_every_stack
def test_the_receiver_misbehaves_in_every_way_and_slack_too(targets: Targets) -> None:
    plan = make_plan(1, LONG, targets)
    ways = {fault.how for fault in faults(plan) if isinstance(fault, ReceiverMisbehaves)}
    assert ways == {"500", "429", "hang", "close", "drip"}
    assert any(isinstance(fault, SlackRateLimited) for fault in faults(plan))


@of_every_stack
def test_foreign_messages_come_into_every_queue_that_something_consumes(targets: Targets) -> None:
    reached = {fault.queue for fault in faults(make_plan(1, LONG, targets)) if isinstance(fault, ForeignMessages)}
    assert reached == set(consumed_queues())
    assert "undelivered" not in reached
