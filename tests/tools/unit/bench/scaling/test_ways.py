"""What the stack costs and carries on AWS, by the numbers that it is computed from."""

import pytest

from bench.scaling.aws import MB_OF_A_CORE
from bench.scaling.capacity import Worker
from bench.scaling.measured import MeasuredFunctions
from bench.scaling.ways import (
    ContainerFleet,
    Deployed,
    Functions,
    Task,
    busy_container_dollars,
    container_fleet,
    deployed_functions,
)
from stack.aws.functions import BATCH_SIZE

MEASURED = MeasuredFunctions(api_request=0.003, batch_of_one=0.001, batch_of_ten=0.0055, api_init=1.0, worker_init=0.9)
HALF_A_CORE = MB_OF_A_CORE // 2

# A worker of 100 tasks/s, whose slots are no limit.
WORKER = Worker(concurrency=1000, cpu=0.01)


def functions(memory_mb: int = MB_OF_A_CORE, max_concurrency: int = 10) -> Functions:
    return Functions(
        MEASURED, Deployed(memory_mb=memory_mb, max_concurrency=max_concurrency, triggers=7, alarm_metrics=20)
    )


def test_a_function_has_its_share_of_a_core_by_its_memory_and_never_more_than_one() -> None:
    assert functions(MB_OF_A_CORE).seconds_of(1) == 1
    assert functions(HALF_A_CORE).seconds_of(1) == pytest.approx(2, rel=0.01)
    assert functions(2 * MB_OF_A_CORE).seconds_of(1) == 1


def test_a_request_is_billed_while_it_waits_for_sqs() -> None:
    assert functions().request_seconds == pytest.approx(0.003 + 0.01)


def test_a_batch_computes_one_message_after_the_other_and_waits_for_all_at_once() -> None:
    assert functions().batch_seconds(Task(), 1) == pytest.approx(0.001 + 0.005)
    assert functions().batch_seconds(Task(), 10) == pytest.approx(0.0055 + 0.005)
    assert functions().batch_seconds(Task(cpu=0.02, wait=0.2), 10) == pytest.approx(0.0055 + 0.2 + 0.2 + 0.005)


@pytest.mark.parametrize(("batch", "sqs_requests", "invocations"), [(1, 3, 2), (10, 1.2, 1.1)])
def test_a_task_is_a_send_and_its_part_of_a_receive_a_delete_and_a_call(
    batch: int, sqs_requests: float, invocations: float
) -> None:
    use = functions().use(Task(), batch)
    assert use.sqs_requests == pytest.approx(sqs_requests)
    assert use.invocations == pytest.approx(invocations)


def test_gb_seconds_are_those_of_the_request_and_of_its_part_of_the_batch() -> None:
    use = functions(memory_mb=1024).use(Task(), 10)
    share = 1024 / MB_OF_A_CORE
    assert use.gb_seconds == pytest.approx(0.003 / share + 0.01 + (0.0055 / share + 0.005) / 10)


def test_a_queue_carries_what_its_concurrency_does_batch_after_batch() -> None:
    assert functions(max_concurrency=2).tasks_per_second(Task(wait=0.994), 1) == pytest.approx(2)
    assert functions(max_concurrency=2).tasks_per_second(Task(wait=0.9895), 10) == pytest.approx(20)


def test_an_idle_stack_is_polled_by_five_for_each_queue_that_triggers_a_function() -> None:
    # 15 empty receives a minute of each, as users see them.
    assert 60 * functions().idle_requests_per_second == 7 * 15


def test_a_month_has_the_polls_of_idle_queues_besides_the_tasks() -> None:
    sqs, computing = functions().month(Task(), 1)
    idle, nothing = functions().month(Task(), 0)
    assert idle == pytest.approx(1.84, abs=0.01)
    assert nothing == 0
    assert sqs - idle == pytest.approx(2_628_000 * 3 * 0.40e-6, rel=0.01)
    assert computing == pytest.approx(2_628_000 * functions().use(Task(), 1).lambda_dollars, rel=0.01)


def test_what_is_deployed_is_read_from_the_template() -> None:
    deployed = deployed_functions()
    # Two task types and callbacks, the DLQ of each, and the alerts.
    assert deployed.triggers == 3 + 3 + 1
    assert deployed.memory_mb >= 128
    assert deployed.max_concurrency * BATCH_SIZE >= 20


def test_a_fleet_has_a_worker_for_each_queue_and_two_of_the_api_however_little_there_is_to_do() -> None:
    assert container_fleet(0.001, WORKER, 1000, queues=3) == ContainerFleet(api=2, workers=3)


def test_a_fleet_grows_with_the_rate_so_that_none_is_busier_than_planned() -> None:
    # 400 tasks/s, by 0.7 of 100 each; and half a core takes 0.7 of 100 requests.
    assert container_fleet(400, WORKER, 200, queues=3) == ContainerFleet(api=6, workers=6 + 2)


def test_fargate_takes_for_what_containers_are_given_by_the_hour() -> None:
    fleet = ContainerFleet(api=2, workers=3)
    assert (fleet.vcpu, fleet.gb) == (2 * 0.5 + 3 * 1 + 0.25, 2 * 1 + 3 * 2 + 0.5)
    assert fleet.dollars_per_month == pytest.approx(730 * (4.25 * 0.04048 + 8.5 * 0.004445))


def test_a_busy_container_costs_by_the_time_that_a_task_has_of_it() -> None:
    # A worker of 100 tasks/s at 70 %, and half a core of the API that takes 100.
    an_hour = (1 * 0.04048 + 2 * 0.004445) + (0.5 * 0.04048 + 1 * 0.004445)
    assert busy_container_dollars(WORKER, 200) == pytest.approx(an_hour / 3600 / 70)
