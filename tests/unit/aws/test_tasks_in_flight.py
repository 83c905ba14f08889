"""The tasks that a function has in flight, as its event and SQS say."""

import json
from typing import Any

import pytest
from tasks_in_flight import tasks_in_flight

HIDDEN_SECONDS = {"a": 2157.4, "b": 0.0}


def record(receipt_handle: str, body: Any) -> dict[str, Any]:
    return {
        "receiptHandle": receipt_handle,
        "body": body if isinstance(body, str) else json.dumps(body),
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:x-data",
    }


def tasks_of(*records: dict[str, Any]) -> list[dict[str, Any]]:
    event = json.dumps({"Records": records}).encode()
    return tasks_in_flight(event, lambda record: HIDDEN_SECONDS.get(record["receiptHandle"]))


def test_each_task_is_named_with_its_queue_and_with_when_its_message_comes_again() -> None:
    assert tasks_of(record("a", {"task_id": "1"}), record("b", {"task_id": "2"})) == [
        {"task_id": "1", "queue": "x-data", "after_seconds": 2157},
        {"task_id": "2", "queue": "x-data", "after_seconds": 0},
    ]


def test_a_task_whose_message_was_deleted_is_not_in_flight() -> None:
    assert tasks_of(record("deleted", {"task_id": "1"})) == []


@pytest.mark.parametrize("body", ["no JSON", "[" * 100_000, [], {}, {"task_id": None}])
def test_a_message_of_somebody_else_is_no_task(body: Any) -> None:
    assert tasks_of(record("a", body)) == []


@pytest.mark.parametrize("event", [9, [], {"rawPath": "/readyz"}, {"queryStringParameters": {"any": "aws:sqs"}}])
def test_what_is_no_event_of_a_queue_has_no_task(event: Any) -> None:
    assert tasks_in_flight(json.dumps(event).encode(), lambda _record: 1.0) == []
