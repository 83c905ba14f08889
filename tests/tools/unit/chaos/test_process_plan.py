"""What befalls a stack of processes: every signal, and every call on the broker failing in every way."""

from itertools import product

import pytest

from tests.chaos.broker_proxy import BrokerFault
from tests.chaos.faults import Signalled
from tests.chaos.plan import PlannedFault, make_plan
from tests.chaos.process_plan import ProcessTargets
from tests.chaos.process_stack import ProcessStack

TARGETS = ProcessTargets(
    workers=[("worker-a", "worker-a-2"), ("worker-b", "worker-b-2")],
    others=("api", "dlq-watcher", "receiver"),
    queues=("a", "a-dlq", "b", "b-dlq"),
    visibility_timeout_seconds=6,
    in_place_seconds=0.7,
)
REAL = ProcessStack.targets()
LONG = 3000.0


def faults(plan: list[PlannedFault]) -> list[object]:
    return [planned.fault for planned in plan]


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


def test_the_default_run_signals_every_service_of_the_real_stack() -> None:
    signalled = {
        service
        for planned in make_plan(1, 300, REAL)
        if isinstance(planned.fault, Signalled)
        for service in planned.fault.services
    }
    assert signalled == set(REAL.services)


def test_the_real_stack_has_two_workers_for_each_queue_and_consumed_queues_alone() -> None:
    assert ("worker-callbacks", "worker-callbacks-2") in REAL.workers
    assert {"calculation", "calculation-dlq", "callbacks", "callbacks-dlq"} <= set(REAL.queues)
    assert "undelivered" not in REAL.queues
