"""Whose task it is stays known wherever it goes, and what is delayed is not begun before."""

import json
import time
from datetime import datetime
from typing import Any

import pytest

from tests.end_to_end.client import Client, wait_for
from tests.end_to_end.stack_control import StackControl

CALCULATION = "/v1/calculation/basic"
ITEM = {"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 0}
UNRELIABLE = "/v1/tests/unreliable"

# All the delivery attempts that the suite's settings make: three in place, two from the queue.
DELIVERIES = 5
DELAY_SECONDS = 3

EVENTS = {"accepted", "returned for retry", "dead-lettered", "not delivered yet", "delivered"}


def story(stack: StackControl, task_id: str) -> Any:
    return json.loads(stack.command("trace", task_id, "--json").stdout)


def is_of_task(step: Any) -> bool:
    """Whether it is one of these events in the life of the task itself, and not of its alert."""
    return step["line"]["event"] in EVENTS and not str(step["line"].get("queue", "")).endswith("alerts")


@pytest.mark.not_asked_of("a broker that does not give message groups back")
def test_a_task_is_in_its_message_group_through_retries_dead_letter_queues_callbacks_and_a_redrive(
    unreliable: Client, own_stack: StackControl
) -> None:
    callback_url = f"{unreliable.callback_url}?status=503&times={DELIVERIES}"
    items = [unreliable.unreliable_item(fail_attempts=99)]
    task_id = unreliable.submit(UNRELIABLE, items, callback_url, Message_Group_Id="tenant-7")

    def kept() -> dict[str, Any] | None:
        messages = json.loads(own_stack.dlq("list", "undelivered", "--json"))["messages"]
        return next((message for message in messages if message["task_id"] == task_id), None)

    message = wait_for(kept, f"{task_id} in undelivered")
    assert message is not None
    assert message["message_group_id"] == "tenant-7"
    assert json.loads(own_stack.dlq("show", task_id, "--json"))["message_group_id"] == "tenant-7"
    assert "tenant-7" in json.dumps(unreliable.wait_for_alert(task_id))

    assert "1 from undelivered to callbacks" in own_stack.dlq("redrive", task_id, "--yes")
    unreliable.wait_for_deliveries(task_id, DELIVERIES + 1)

    def told() -> Any:
        found = story(own_stack, task_id)
        return found if found["standing"]["state"] == "delivered" else None

    its_story = wait_for(told, f"the end of the story of {task_id}")
    assert its_story["message_group_id"] == "tenant-7"
    lines = [step["line"] for step in its_story["steps"] if is_of_task(step)]
    assert {line["event"] for line in lines} == EVENTS
    assert {line.get("message_group_id") for line in lines} == {"tenant-7"}


def test_a_task_that_is_delayed_is_begun_when_its_delay_is_over_and_its_story_says_so(
    client: Client, own_stack: StackControl
) -> None:
    begun_at = time.time()
    task_id = client.submit(CALCULATION, [ITEM], Delay_Seconds=str(DELAY_SECONDS))

    [delivery] = client.wait_for_deliveries(task_id)
    accepted = story(own_stack, task_id)["steps"]

    assert delivery["body"]["results"] == [{"a": 3}]
    assert datetime.fromisoformat(delivery["received_at"]).timestamp() >= begun_at + DELAY_SECONDS
    assert f"accepted: calculation, delayed by {DELAY_SECONDS}s" in [step["text"] for step in accepted]
