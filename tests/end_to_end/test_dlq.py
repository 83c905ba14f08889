"""What reached nobody is found, and brought back, by a person."""

import json
from typing import Any

from tests.end_to_end.client import Client, wait_for
from tests.end_to_end.stack_control import StackControl

CALCULATION = "/v1/calculation/basic"
ITEM = {"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 0}

# All the attempts that the suite's settings make: three in place, two from the queue.
ATTEMPTS = 5


def test_an_outcome_that_reached_nobody_is_listed_and_delivered_after_its_redrive(
    client: Client, own_stack: StackControl
) -> None:
    task_id = client.submit(CALCULATION, [ITEM], f"{client.callback_url}?status=503&times={ATTEMPTS}")

    def find() -> dict[str, Any] | None:
        messages = json.loads(own_stack.dlq("list", "undelivered", "--json"))["messages"]
        return next((message for message in messages if message["task_id"] == task_id), None)

    client.wait_for_alert(task_id)
    message = wait_for(find, f"{task_id} in undelivered")
    assert message is not None
    assert "503" in message["reason"]
    assert len(client.deliveries(task_id)) == ATTEMPTS

    assert "1 from undelivered to callbacks" in own_stack.dlq("redrive", task_id, "--yes")

    delivered = client.wait_for_deliveries(task_id, ATTEMPTS + 1)[-1]
    assert (delivered["status"], delivered["body"]["results"]) == (200, [{"a": 3}])
    assert find() is None
