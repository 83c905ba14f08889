"""What is accepted is not lost: workers killed in mid-task, the broker stopped, the machine suspended."""

import json
import time
from typing import Any

import pytest

from stack.broker.last_save import after_its_end
from tests.end_to_end.client import Client, wait_for
from tests.end_to_end.stack_control import SETTINGS, StackControl

CALCULATION = "/v1/calculation/basic"
# Longer than it takes any machine to hear of the attempt and kill the worker; nobody waits for its end.
HOLD_SECONDS = 60
# Longer than the visibility timeout of the suite's stack.
SUSPENDED_SECONDS = int(SETTINGS["VISIBILITY_TIMEOUT_SECONDS"]) + 2
ITEM = {"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 0}


def test_a_task_whose_worker_is_killed_is_worked_again(unreliable: Client, processes: StackControl) -> None:
    item = unreliable.unreliable_item(hold_seconds=HOLD_SECONDS, hold_attempts=1)
    pid = processes.pid("worker-unreliable")
    task_id = unreliable.submit("/v1/tests/unreliable", [item])
    unreliable.wait_for_deliveries(item["probe_id"])
    processes.kill(pid)
    outcome = unreliable.outcome(task_id)
    assert outcome["results"] == [{"it": 2}]


def test_a_task_that_must_not_be_repeated_is_reported_when_its_worker_is_killed(
    unreliable: Client, processes: StackControl
) -> None:
    item = unreliable.unreliable_item(hold_seconds=HOLD_SECONDS)
    pid = processes.pid("worker-single-attempt")
    task_id = unreliable.submit("/v1/tests/single-attempt", [item])
    unreliable.wait_for_deliveries(item["probe_id"])
    processes.kill(pid)
    outcome = unreliable.outcome(task_id)
    assert "no worker reported back" in outcome["errors"][0]["details"]
    assert len(unreliable.deliveries(item["probe_id"])) == 1


@pytest.mark.usefixtures("processes")
def test_a_task_that_kills_its_worker_is_reported_and_takes_no_other_along(unreliable: Client) -> None:
    def submit(**item: Any) -> str:
        return unreliable.submit("/v1/tests/unreliable", [unreliable.unreliable_item(hold_seconds=1, **item)])

    good = [submit() for _ in range(20)]
    lethal = submit(kills_worker=True)
    good += [submit() for _ in range(20)]
    for task_id in good:
        assert unreliable.outcome(task_id)["errors"] == []
    assert "no worker reported back" in unreliable.outcome(lethal)["errors"][0]["details"]


def test_a_broker_that_does_not_answer_is_a_500_and_the_service_recovers(
    client: Client, processes: StackControl
) -> None:
    processes.pause(processes.broker.name)
    try:
        response = client.post(CALCULATION, [ITEM])
        assert client.api.get("/readyz").status_code == 503
        assert client.api.get("/healthcheck").status_code == 200
    finally:
        processes.resume(processes.broker.name)
    assert response.status_code == 500
    assert response.json() == {"detail": "Request processing failed due to an internal error."}
    processes.wait_until_healthy("api")
    assert client.outcome(client.submit(CALCULATION, [ITEM]))["results"] == [{"a": 3}]


def test_a_broker_that_died_is_a_500_and_the_stack_recovers_by_itself(client: Client, processes: StackControl) -> None:
    processes.stop(processes.broker.name)
    try:
        response = client.post(CALCULATION, [ITEM])
        assert client.api.get("/readyz").status_code == 503
    finally:
        processes.start(processes.broker.name)
    assert response.status_code == 500
    wait_until_all_is_well(processes)
    assert client.outcome(client.submit(CALCULATION, [ITEM]))["results"] == [{"a": 3}]


@pytest.mark.not_asked_of("a broker that keeps its messages")
def test_what_a_broker_that_was_restarted_has_lost_is_reported(client: Client, processes: StackControl) -> None:
    task_id = client.submit(CALCULATION, [ITEM], f"{client.callback_url}?status=410&times=1")
    client.outcome(task_id)
    heard_at = time.time()
    # What was seen earlier may be of a broker that another test has restarted.
    wait_for(lambda: waiting(processes, "undelivered", since=heard_at), "a message that is seen in undelivered")
    earlier = (processes.made_anew() or {"at": 0})["at"]

    processes.kill(processes.pid(processes.broker.name))

    def reported() -> Any:
        news = processes.made_anew()
        return news if news and news["at"] > earlier and "in undelivered" in news["text"] else None

    wait_for(reported, "what the broker has lost")
    wait_until_all_is_well(processes)
    # A broker makes one queue after the other, and the console may have looked in between.
    shown = wait_for(lambda: shown_by_all(processes), "`ps` to show what the console knows")
    assert "undelivered" in shown["queues"]
    assert "in undelivered" in shown["text"]


@pytest.mark.not_asked_of("a broker that keeps its messages", "a broker that does not show its messages")
def test_a_task_that_a_broker_has_lost_is_lost_by_its_story(client: Client, processes: StackControl) -> None:
    task_id = client.submit(CALCULATION, [ITEM], f"{client.callback_url}?status=410&times=1")
    client.outcome(task_id)
    wait_for(lambda: standing(processes, task_id) == "undelivered", "a task that is undelivered by its story")

    processes.kill(processes.pid(processes.broker.name))

    wait_for(lambda: standing(processes, task_id) == "lost", "a task that is lost by its story")
    wait_until_all_is_well(processes)


def standing(stack: StackControl, task_id: str) -> Any:
    """How a task stands by its story."""
    return json.loads(stack.command("trace", task_id, "--json").stdout)["standing"]["state"]


def shown_by_all(stack: StackControl) -> Any:
    """What both `ps` and the console say of queues that were made anew; None while one of them knows more."""
    by_command = json.loads(stack.command("ps", "--json").stdout)["made_anew"]
    return by_command if by_command == stack.made_anew() else None


def wait_until_all_is_well(stack: StackControl) -> None:
    """Wait until the services have found the broker again that was gone."""
    stack.wait_until_healthy(stack.broker.name, "api", "worker-calculation", "worker-callbacks", "dlq-watcher")


def waiting(stack: StackControl, queue: str, since: float) -> int:
    """How many messages wait in a queue, as last seen; 0 where no look has begun since that time."""
    state = stack.state()
    if state["at"] < since + state["sample_seconds"]:
        return 0
    return next(each["waiting"] or 0 for each in state["queues"] if each["name"] == queue)


def test_a_suspend_of_the_whole_machine_gives_each_task_one_outcome(
    unreliable: Client, processes: StackControl
) -> None:
    fetched = {"name": "it", "url": f"{unreliable.source_url}?delay=6"}
    items = [unreliable.unreliable_item(hold_seconds=SUSPENDED_SECONDS + 4) for _ in range(5)]
    task_ids = [unreliable.submit("/v1/data/from-api", [fetched]) for _ in range(5)]
    task_ids += [unreliable.submit("/v1/tests/single-attempt", [item]) for item in items]
    for item in items:
        unreliable.wait_for_deliveries(item["probe_id"])

    with processes.suspended():
        # It is the time that does it.
        time.sleep(SUSPENDED_SECONDS)

    for task_id in task_ids:
        unreliable.wait_for_deliveries(task_id)
    wait_for(lambda: nothing_is_queued(processes), "queues in which nothing is left")
    for task_id in task_ids:
        assert len({delivery["outcome"] for delivery in unreliable.deliveries(task_id)}) == 1


def nothing_is_queued(stack: StackControl) -> bool:
    """Whether no task waits or is in flight, nor is any dead one, as last seen."""
    queues = stack.state()["queues"]
    return not any(each["waiting"] or each["in_flight"] for each in queues if each["name"] != "undelivered")


def test_a_stack_that_crashed_is_started_again_by_two_commands_one_after_the_other(
    client: Client, own_stack: StackControl
) -> None:
    own_stack.crash()

    starting = own_stack.start_command("up")
    holder = f"`make up` (process {starting.pid},"
    wait_for(lambda: holder in (own_stack.directory / "lock").read_text(), "the first command to hold the lock")
    waiting = own_stack.start_command("up")
    first, second = starting.communicate()[0], waiting.communicate()[0]

    assert [starting.returncode, waiting.returncode] == [0, 0]
    assert "Waiting for" not in first
    assert f"Waiting for {holder}" in second
    if own_stack.mode == "native":
        assert f"The stack ended without `make down`: {after_its_end(own_stack.broker)}" in first
        assert "It is up already" in second
    assert client.outcome(client.submit(CALCULATION, [ITEM]))["results"] == [{"a": 3}]
