"""What is accepted is not lost where the services are functions: processes killed in mid-task, batches with poison.

A message whose process was killed comes again when its visibility timeout is over, which is six times its function's:
here it is shortened for a while, as an operator may.
"""

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from stack.functions.front_door import MOST_AT_A_TIME
from stack.state import saved_messages_file
from tests.end_to_end.client import Client, wait_for
from tests.end_to_end.stack_control import StackControl

CALCULATION = "/v1/calculation/basic"
ITEM = {"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 0}
HOLD_SECONDS = 60
SHORT_SECONDS = 2


@pytest.fixture
def functions(own_stack: StackControl) -> StackControl:
    if own_stack.mode != "lambda":
        pytest.skip("its services are processes: test_faults.py kills those")
    return own_stack


def kill(function: str, stack: StackControl) -> None:
    """End the process of a function of this stack, as soon as there is one; return when it has ended."""
    pid = wait_for(lambda: stack.function_pids(function), f"a process of {function}")[0]
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: pid not in stack.function_pids(function), f"the end of {function}")


@contextmanager
def hidden_for(seconds: int, queue: str, stack: StackControl) -> Iterator[None]:
    """What is received meanwhile is visible again after so long, unless its receiver says otherwise."""
    sqs = stack.aws("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(seconds)})
    try:
        yield
    finally:
        sqs.set_queue_attributes(QueueUrl=url, Attributes=before)


def told(task_id: str, stack: StackControl) -> Any:
    """What `trace` tells of a task."""
    return json.loads(stack.command("trace", task_id, "--json").stdout)


def test_a_task_whose_process_is_killed_is_worked_again(unreliable: Client, functions: StackControl) -> None:
    item = unreliable.unreliable_item(hold_seconds=HOLD_SECONDS, hold_attempts=1)
    with hidden_for(SHORT_SECONDS, "unreliable", functions):
        task_id = unreliable.submit("/v1/tests/unreliable", [item])
        unreliable.wait_for_deliveries(item["probe_id"])
        kill("worker-unreliable", functions)

        assert unreliable.outcome(task_id)["results"] == [{"it": 2}]


def test_that_a_process_was_killed_is_told_of_the_task_that_it_had_and_when_that_comes_back(
    unreliable: Client, functions: StackControl
) -> None:
    item = unreliable.unreliable_item(hold_seconds=HOLD_SECONDS, hold_attempts=1)
    with hidden_for(HOLD_SECONDS, "unreliable", functions):
        task_id = unreliable.submit("/v1/tests/unreliable", [item])
        unreliable.wait_for_deliveries(item["probe_id"])
        kill("worker-unreliable", functions)

        def killed() -> Any:
            standing = told(task_id, functions)["standing"]
            return standing if standing["state"] == "hidden" else None

        standing = wait_for(killed, "the line of the killed process")
    assert standing["reason"] == "Runtime exited with error: signal: 9"
    assert "Its message comes back when its queue's visibility timeout is over, at " in standing["text"]


def test_a_task_that_must_not_be_repeated_is_reported_when_its_process_is_killed(
    unreliable: Client, functions: StackControl
) -> None:
    item = unreliable.unreliable_item(hold_seconds=HOLD_SECONDS)
    with hidden_for(SHORT_SECONDS, "single-attempt", functions):
        task_id = unreliable.submit("/v1/tests/single-attempt", [item])
        unreliable.wait_for_deliveries(item["probe_id"])
        kill("worker-single-attempt", functions)

        outcome = unreliable.outcome(task_id)
    assert "no worker reported back" in outcome["errors"][0]["details"]
    # The function `alerts` says why.
    wait_for(
        lambda: "no worker reported back" in (told(task_id, functions)["standing"]["failure"] or ""), "the whole story"
    )
    assert len(unreliable.deliveries(item["probe_id"])) == 1


def test_a_task_that_kills_its_process_is_reported_and_takes_no_other_of_its_batch_along(
    unreliable: Client, functions: StackControl
) -> None:
    def submit(**item: Any) -> str:
        return unreliable.submit("/v1/tests/unreliable", [unreliable.unreliable_item(**item)])

    with hidden_for(SHORT_SECONDS, "unreliable", functions):
        good = [submit() for _ in range(12)]
        lethal = submit(kills_worker=True)
        good += [submit() for _ in range(12)]

        for task_id in good:
            assert unreliable.outcome(task_id)["errors"] == []
        assert "no worker reported back" in unreliable.outcome(lethal)["errors"][0]["details"]


def test_an_api_whose_process_is_killed_is_begun_anew(client: Client, functions: StackControl) -> None:
    client.outcome(client.submit(CALCULATION, [ITEM]))

    kill("api", functions)

    # A request that comes while the process ends is answered with its end, as on AWS.
    wait_for(lambda: client.api.get("/healthcheck").status_code == 200, "an API that answers")
    assert client.outcome(client.submit(CALCULATION, [ITEM]))["results"] == [{"a": 3}]


def test_many_requests_at_a_time_share_a_few_processes_of_the_api(client: Client, functions: StackControl) -> None:
    with ThreadPoolExecutor(max_workers=4 * MOST_AT_A_TIME) as threads:
        answers = list(threads.map(lambda _: client.api.get("/healthcheck"), range(4 * MOST_AT_A_TIME)))

    assert [answer.status_code for answer in answers] == [200] * (4 * MOST_AT_A_TIME)
    assert len(functions.function_pids("api")) <= MOST_AT_A_TIME


@pytest.mark.usefixtures("functions")
def test_a_request_that_names_what_triggers_functions_is_a_request(client: Client) -> None:
    assert client.api.get("/healthcheck", params={"any": "aws:sqs"}).status_code == 200


def test_what_is_worked_while_the_stack_goes_down_is_worked_to_its_end(
    unreliable: Client, functions: StackControl
) -> None:
    item = unreliable.unreliable_item(hold_seconds=10)
    task_id = unreliable.submit("/v1/tests/single-attempt", [item])
    unreliable.wait_for_deliveries(item["probe_id"])

    functions.down()

    saved = saved_messages_file(functions.directory)
    assert not saved.exists() or task_id not in saved.read_text()
    functions.up()
    assert unreliable.outcome(task_id)["errors"] == []


def test_a_localstack_that_is_stopped_takes_its_functions_along(unreliable: Client, functions: StackControl) -> None:
    item = unreliable.unreliable_item(hold_seconds=HOLD_SECONDS)
    unreliable.submit("/v1/tests/unreliable", [item])
    unreliable.wait_for_deliveries(item["probe_id"])

    functions.stop("localstack")

    assert functions.function_pids("worker-unreliable") == []
    functions.up()


def test_what_waits_while_the_stack_is_down_is_worked_when_it_is_up_again(
    unreliable: Client, functions: StackControl
) -> None:
    item = unreliable.unreliable_item(fail_attempts=1)
    task_id = unreliable.submit("/v1/tests/unreliable", [item])
    unreliable.wait_for_deliveries(item["probe_id"])

    functions.down()
    functions.up()

    # The attempts begin anew with a message that was saved.
    assert unreliable.outcome(task_id)["errors"] == []


def test_a_localstack_that_was_killed_has_its_functions_again_after_the_next_start(
    client: Client, functions: StackControl
) -> None:
    functions.kill(functions.pid("localstack"))

    assert functions.command("up").returncode == 0

    assert client.outcome(client.submit(CALCULATION, [ITEM]))["results"] == [{"a": 3}]
    healths = {service["health"] for service in json.loads(functions.command("ps", "--json").stdout)["services"]}
    assert healths == {"healthy"}
