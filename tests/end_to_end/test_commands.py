"""The stack's commands on a running stack: post a task, see its story, the logs, the queues and the workers."""

import json
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.end_to_end.client import Client, wait_for
from tests.end_to_end.stack_control import StackControl

CALCULATIONS = '[{"name": "a", "num_1": 1.50, "num_2": 2, "operation": "+", "result_rounding": 2}]'
# All the attempts that the suite's settings make: three in place, two from the queue.
ATTEMPTS = 5


@pytest.fixture
def own_stack(own_stack: StackControl) -> StackControl:
    """The suite's own stack, looked at from a shell in which nothing is odd."""
    return own_stack.in_plain_shell()


def submitted(
    stack: StackControl, *options: str, items: str = CALCULATIONS
) -> tuple[dict[str, Any], subprocess.CompletedProcess[str]]:
    done = stack.command("submit", "-", "--json", *options, input_text=items)
    return json.loads(done.stdout), done


def story(stack: StackControl, task_id: str) -> Any:
    return json.loads(stack.command("trace", task_id[:13], "--json").stdout)


def settled_story(stack: StackControl, task_id: str) -> Any:
    """The story once nothing more happens by itself; the callback comes a moment before the worker's line of it."""

    def find() -> Any:
        found = story(stack, task_id)
        return found if found["standing"]["is_settled"] else None

    return wait_for(find, f"the end of the story of {task_id}")


def test_a_task_that_fails_for_good_is_exit_code_1(unreliable: Client, own_stack: StackControl) -> None:
    items = json.dumps([unreliable.unreliable_item(fail_attempts=99)])

    shown, done = submitted(own_stack, "--wait", "--task-type", "single-attempt", items=items)

    assert done.returncode == 1
    assert shown["outcome"] == "failure"
    assert "attempt 1 fails on purpose" in shown["callback"]["errors"][0]["details"]


def test_a_callback_that_may_not_be_called_is_refused_with_one_that_may(
    own_stack: StackControl, client: Client
) -> None:
    options = ("--task-type", "calculation", "--callback-url", "http://localhost:1/callback")
    refused = own_stack.command("submit", "-", *options, input_text=CALCULATIONS)

    assert f"(it lists the receiver of this stack: {client.callback_url})" in refused.stderr


def test_the_story_of_a_task_goes_over_all_services(own_stack: StackControl, client: Client) -> None:
    shown, _done = submitted(own_stack, "--callback-url", f"{client.callback_url}?status=503&times={ATTEMPTS - 1}")

    client.wait_for_deliveries(shown["task_id"], ATTEMPTS)
    its_story = settled_story(own_stack, shown["task_id"])

    assert (its_story["standing"]["state"], its_story["standing"]["outcome"]) == ("delivered", "success")
    happened = [(step["service"].partition("-")[0], step["line"]["event"]) for step in its_story["steps"]]
    # The API says it when SQS has confirmed the task: others may have begun with it by then.
    assert ("api", "accepted") in happened
    assert happened.count(("receiver", "callback received")) == ATTEMPTS
    assert ("worker", "not delivered yet") in happened
    assert ("worker", "returned for retry") in happened


def test_what_reached_nobody_says_how_it_is_brought_back(own_stack: StackControl, client: Client) -> None:
    shown, _done = submitted(own_stack, "--callback-url", f"{client.callback_url}?status=410&times=1")

    client.wait_for_alert(shown["task_id"])
    standing = settled_story(own_stack, shown["task_id"])["standing"]
    assert standing["state"] == "undelivered"
    assert f'make dlq ARGS="redrive {shown["task_id"]}"' in standing["text"]

    redriven = json.loads(own_stack.dlq("redrive", shown["task_id"], "--yes", "--json"))
    assert redriven["routes"] == [{"source": "undelivered", "destination": "callbacks", "messages": 1}]
    client.wait_for_deliveries(shown["task_id"], 2)
    assert settled_story(own_stack, shown["task_id"])["standing"]["state"] == "delivered"


def test_the_logs_are_shown_to_people_and_as_json(own_stack: StackControl) -> None:
    shown, _done = submitted(own_stack, "--wait")

    text = own_stack.command("logs", "--service", "api").stdout
    lines = [json.loads(line) for line in own_stack.command("logs", "--service", "api", "--json").stdout.splitlines()]

    assert any(shown["task_id"] in line and "accepted" in line and "{" not in line for line in text.splitlines())
    assert {line["service"] for line in lines} == {"api"}
    assert shown["task_id"] in [line.get("task_id") for line in lines]


def test_what_happens_is_followed_until_ctrl_c(own_stack: StackControl, client: Client) -> None:
    with own_stack.start_command("tail", "--json") as tail:
        assert tail.stdout is not None
        # It shows what happens from its start on, so something must go on happening until it has started.
        with ThreadPoolExecutor() as threads:
            first = threads.submit(tail.stdout.readline)
            wait_for(
                lambda: client.submit("/v1/calculation/basic", json.loads(CALCULATIONS)) and first.done(), "a step"
            )
        step = json.loads(first.result())
        tail.send_signal(signal.SIGINT)
        tail.communicate()

    assert step["service"] in {"api", "worker-calculation", "receiver"}
    assert step["text"]
    assert tail.returncode == 0


def test_a_service_that_does_not_exist_is_refused_with_those_that_do(own_stack: StackControl) -> None:
    done = own_stack.command("logs", "--service", "nothing")

    assert done.returncode == 1
    assert "There is no service nothing; there are" in done.stderr


def shown_when_all_answer(stack: StackControl) -> Any:
    def all_answer() -> Any:
        shown = json.loads(stack.command("ps", "--json").stdout)
        healths = {service["health"] for service in shown["services"]}
        return shown if healths == {"healthy"} and shown["console_problem"] is None else None

    return wait_for(all_answer, "every service to be healthy")


def test_the_services_and_the_queues_are_shown(own_stack: StackControl) -> None:
    shown = shown_when_all_answer(own_stack)

    assert {"api", "worker-calculation", "dlq-watcher"} <= {service["name"] for service in shown["services"]}
    assert {"calculation", "calculation-dlq", "undelivered"} <= {queue["name"] for queue in shown["queues"]}
    assert "in its DLQ" in own_stack.command("ps").stdout


def test_what_the_workers_do_is_shown(processes: StackControl) -> None:
    shown = shown_when_all_answer(processes)

    assert "worker-calculation" in {worker["name"] for worker in shown["workers"]}
    assert "works on now" in processes.command("ps").stdout


def test_the_demo_shows_what_it_should_and_starts_nothing_anew(own_stack: StackControl) -> None:
    api = own_stack.pid("api")

    done = own_stack.command("demo", "--json")

    shown = json.loads(done.stdout)
    assert done.returncode == 0, shown
    assert [trial["passed"] for trial in shown] == [True] * 5
    assert own_stack.pid("api") == api
