"""Adding a task type is adding a file: the worked example of the documentation, in a running stack."""

from typing import Any

from tests.end_to_end.client import Client
from tests.end_to_end.stack_control import StackControl


def test_a_file_in_a_task_package_has_its_route_and_its_prefilled_documentation(unreliable: Client) -> None:
    operation = unreliable.api.get("/openapi.json").json()["paths"]["/v1/text/word-count"]["post"]
    example = operation["requestBody"]["content"]["application/json"]["examples"]["example"]["value"]
    assert operation["summary"] == "Count words"
    assert [item["name"] for item in example["message"]] == ["motto", "nothing"]


def test_its_tasks_are_worked_by_a_worker_of_its_own(unreliable: Client, own_stack: StackControl) -> None:
    message: list[dict[str, Any]] = [
        {"name": "motto", "text": "a b A", "ignore_case": True},
        {"name": "nothing", "text": ""},
    ]
    outcome = unreliable.outcome(unreliable.submit("/v1/text/word-count", message))
    assert outcome["results"] == [{"motto": {"words": 3, "different": 2}}]
    assert outcome["errors"] == [{"nothing": "the text has no words"}]
    assert "worker-word-count" in own_stack.services()


def test_its_queue_has_a_dlq(unreliable: Client, own_stack: StackControl) -> None:
    assert unreliable.api.get("/readyz").json()["queues"]["word-count"] == "ok"
    redrive_policy = own_stack.redrive_policy("word-count")
    assert redrive_policy["deadLetterTargetArn"].endswith(":word-count-dlq")
    assert int(redrive_policy["maxReceiveCount"]) == 3
