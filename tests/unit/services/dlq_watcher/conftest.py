"""What the watcher's tests are made of."""

from typing import Any

from services.dlq_watcher.alert import Alert, make_alert
from services.queueing.message import ReceivedMessage


def dead(body: str = "{}", **fields: Any) -> ReceivedMessage:
    """A message as SQS gives it."""
    given = {"message_id": "id", "receive_count": 1, "sent_at": 0, "attributes": {}, **fields}
    return ReceivedMessage(body=body, receipt_handle="handle", **given)


def alert_of(number: int = 1, **parts: Any) -> Alert:
    """An alert of a failure that is no other's."""
    given = {
        "headline": f"Task {number} (calculation) failed for good",
        "origin": "calculation",
        "task_id": f"task-{number}",
        "reason": "ValueError: no",
        "facts": {"Attempts": "3"},
        **parts,
    }
    return make_alert(dead(message_id=f"message-{number}"), **given)
