"""What befalls a stack of functions: each loses its processes and its triggers, and LocalStack is silent."""

from tests.chaos.faults import (
    Fault,
    FunctionKeepsDying,
    FunctionKilledAtWork,
    FunctionsKilled,
    LocalStackPaused,
    TriggersOff,
)
from tests.chaos.function_plan import FunctionTargets
from tests.chaos.function_stack import FunctionStack
from tests.chaos.plan import make_plan

TARGETS = FunctionTargets(
    triggered=("worker-a", "worker-b", "dlq-watcher"),
    others=("api",),
    queues=("a", "a-dlq", "b", "b-dlq"),
    visibility_timeout_seconds=6,
    in_place_seconds=0.7,
)
PLAN = make_plan(1, 3000, TARGETS)
FAULTS: list[Fault] = [planned.fault for planned in PLAN]


def test_each_function_loses_a_process_at_work() -> None:
    assert {fault.function for fault in FAULTS if isinstance(fault, FunctionKilledAtWork)} == set(TARGETS.functions)


def test_several_functions_lose_their_processes_at_once() -> None:
    numbers = {len(fault.functions) for fault in FAULTS if isinstance(fault, FunctionsKilled)}
    assert numbers == {2, 3, 4}


def test_each_function_gets_no_process_through_its_init_for_a_while() -> None:
    assert {fault.function for fault in FAULTS if isinstance(fault, FunctionKeepsDying)} == set(TARGETS.functions)


def test_each_function_that_queues_trigger_is_not_triggered_for_a_while() -> None:
    assert {fault.function for fault in FAULTS if isinstance(fault, TriggersOff)} == set(TARGETS.triggered)


def test_localstack_is_silent_for_less_and_for_more_than_a_message_is_hidden() -> None:
    pauses = {planned.lasts for planned in PLAN if isinstance(planned.fault, LocalStackPaused)}
    assert min(pauses) < TARGETS.visibility_timeout_seconds < max(pauses)


def test_the_real_stack_has_a_function_for_each_queue_of_a_worker_and_three_more() -> None:
    real = FunctionStack.targets()
    assert {"worker-callbacks", "worker-calculation", "dlq-watcher", "alerts"} <= set(real.triggered)
    assert real.others == ("api",)


def test_the_default_run_kills_every_function_of_the_real_stack_at_work() -> None:
    real = FunctionStack.targets()
    plan = make_plan(1, 300, real)
    at_work = {planned.fault.function for planned in plan if isinstance(planned.fault, FunctionKilledAtWork)}
    assert at_work == set(real.functions)
