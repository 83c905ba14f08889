"""The console of a whole stack: a person sees there what has failed, and brings it back."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.end_to_end.client import PATIENCE_SECONDS, SOON_CLOSED, Client, wait_for
from tests.end_to_end.stack_control import StackControl

SINGLE_ATTEMPT = "/v1/tests/single-attempt"


@pytest.fixture
def console(own_stack: StackControl) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=own_stack.console_url, timeout=PATIENCE_SECONDS, limits=SOON_CLOSED) as console:
        yield console


def state(console: httpx.Client) -> Any:
    return console.get("/api/state").raise_for_status().json()


def test_every_service_is_shown_alive(processes: StackControl, console: httpx.Client) -> None:
    def all_alive() -> bool:
        return all(each["alive"] and each["ready"] for each in state(console)["services"])

    wait_for(all_alive, "every service alive in the console")

    shown = {each["name"] for each in state(console)["services"]}
    assert shown == set(processes.services()) - {processes.broker.name, "receiver", "console"}


@pytest.mark.usefixtures("processes")
def test_a_task_that_fails_is_seen_in_the_rates(unreliable: Client, console: httpx.Client) -> None:
    unreliable.outcome(unreliable.submit(SINGLE_ATTEMPT, [unreliable.unreliable_item(fail_attempts=99)]))

    def failed() -> bool:
        return any(state(console)["series"]["failed"])

    assert wait_for(failed, "a failure in the console's rates")


def test_an_outcome_that_nobody_takes_is_seen_with_its_reason_and_brought_back(
    unreliable: Client, console: httpx.Client
) -> None:
    callback_url = f"{unreliable.callback_url}?status=410&times=1"
    task_id = unreliable.submit(SINGLE_ATTEMPT, [unreliable.unreliable_item(fail_attempts=99)], callback_url)

    def dead_messages() -> list[Any]:
        answer = console.get("/api/dead-letters", params={"queue": "undelivered", "reason": "410"})
        messages = answer.raise_for_status().json()["messages"]
        return [message for message in messages if message["task_id"] == task_id]

    [dead_message] = wait_for(dead_messages, "the outcome in undelivered")
    redriven = console.post("/api/redrive", json={"queue": "undelivered", "ids": [dead_message["message_id"]]})

    assert redriven.json()["moved"] == 1, redriven.text
    assert unreliable.wait_for_deliveries(task_id, 2)[-1]["status"] == 200


def test_a_task_submitted_in_the_console_is_worked(client: Client, console: httpx.Client) -> None:
    [calculation] = [each for each in console.get("/api/task-types").json() if each["route"] == "/v1/calculation/basic"]

    submitted = console.post("/api/submit", json={"route": calculation["route"], "request": calculation["example"]})

    assert submitted.json()["status"] == 200, submitted.text
    assert client.outcome(submitted.json()["body"]["task_id"])["results"]
