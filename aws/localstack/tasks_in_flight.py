"""The tasks that a function has in flight: of those SQS gives the messages again, where the function ends."""

import json
from collections.abc import Callable, Mapping
from typing import Any

HiddenSeconds = Callable[[Mapping[str, Any]], float | None]
"""How long SQS hides the message of an event's record from now on, in seconds; None where it was deleted."""


def tasks_in_flight(event: bytes, hidden_seconds: HiddenSeconds) -> list[dict[str, Any]]:
    """Return what a line of the log says of each task of an event that SQS has still a message of.

    None is of an event of anything else.
    """
    # Most events need not be read; one of HTTP may have it too, as a parameter.
    if b'"aws:sqs"' not in event:
        return []
    tasks = []
    for record in json.loads(event).get("Records", ()):
        task_id, seconds = _task_id_in(record["body"]), hidden_seconds(record)
        if task_id is not None and seconds is not None:
            queue = record["eventSourceARN"].rpartition(":")[2]
            tasks.append({"task_id": task_id, "queue": queue, "after_seconds": round(seconds)})
    return tasks


def _task_id_in(body: str) -> str | None:
    """Return the id of the task that a message is of; None where it is none of ours."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return None
    task_id = message.get("task_id") if isinstance(message, dict) else None
    return task_id if isinstance(task_id, str) else None
