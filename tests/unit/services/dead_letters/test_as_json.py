"""How programs read dead messages."""

from services.dead_letters.as_json import dead_message_json
from tests.unit.services.dead_letters.dead_messages import OUTCOME, SENT_AT, dead_message


def test_a_message_is_json_with_times_and_ages() -> None:
    refused = dead_message(
        OUTCOME, "undelivered", reason="the receiver answered 503", attempts="7", message_group_id="tenant-7"
    )

    assert dead_message_json(refused, "callbacks", SENT_AT + 7500) == {
        "queue": "undelivered",
        "message_id": "message-1",
        "kind": "outcome",
        "task_id": "task-1",
        "task_type": "calculation",
        "callback_url": "http://receiver/callback",
        "message_group_id": "tenant-7",
        "accepted_at": None,
        "sent_at": "2023-11-14T22:13:20Z",
        "age_seconds": 7500,
        "attempts": 7,
        "reason": "the receiver answered 503",
        "redrives_to": "callbacks",
    }
