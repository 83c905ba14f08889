"""Reads a dead message for a person: all that can be known of it, however broken it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from services.messages import UnusableMessageError, decode_outcome, earlier_delivery_attempts
from services.primitives import exact_json
from services.primitives.counts import read_count
from services.queueing.dead_letter import (
    ATTEMPTS_ATTRIBUTE,
    REASON_ATTRIBUTE,
    SOURCE_QUEUE_ATTRIBUTE,
    TRACE_ATTRIBUTE,
    read_failure,
)
from services.queueing.definition import QueueDefinition
from services.queueing.message import ReceivedMessage


@dataclass(frozen=True, slots=True)
class DeadMessage:
    """What is known of a message in a DLQ or in `undelivered`; None where it does not say."""

    queue: str
    message_id: str
    kind: Literal["task", "outcome"] | None
    task_id: str | None
    task_type: str | None
    callback_url: str | None
    message_group_id: str | None
    accepted_at: float | None
    """When the API took the task, in seconds since the epoch."""
    sent_at: float
    """Since when it is dead, in seconds since the epoch: when its last consumer gave it up, whatever restored it since,
    or when it came to its DLQ before it came to `undelivered`. Where SQS moved it nobody noted that: since when it was
    queued, by which SQS drops it, too."""
    attempts: int | None
    reason: str
    trace: str | None
    source_queue: str | None
    """The queue to which its last consumer wants it returned."""
    was_given_up: bool
    """Whether its last consumer sent it here; else SQS moved it, and what it says of a failure is of an earlier one."""

    @property
    def content_name(self) -> str:
        """What its content is called."""
        return {"task": "request", "outcome": "outcome", None: "body"}[self.kind]


def read_dead_message(
    message: ReceivedMessage, definition: QueueDefinition, attempts_allowed: int | None
) -> DeadMessage:
    """Read a message of the queue that is defined so. It refuses nothing: garbage is what DLQs are for.

    `attempts_allowed` are those of its source queue, None where it has none.
    """
    envelope = _open_envelope(message.body)
    reason, attempts = _failure_of(message, attempts_allowed)
    was_given_up = REASON_ATTRIBUTE in message.attributes and message.dead_letter_source_arn is None
    return DeadMessage(
        queue=definition.name,
        message_id=message.message_id,
        kind=_kind_of(envelope),
        task_id=_text(envelope.get("task_id")),
        task_type=_text(envelope.get("task_type")),
        callback_url=_text(_callback_url_of(envelope)),
        message_group_id=message.message_group_id,
        accepted_at=_seconds(envelope.get("accepted_at")),
        sent_at=message.sent_at,
        attempts=attempts,
        reason=reason,
        trace=message.attributes.get(TRACE_ATTRIBUTE) if was_given_up else None,
        source_queue=message.attributes.get(SOURCE_QUEUE_ATTRIBUTE),
        was_given_up=was_given_up,
    )


def content_of(body: str) -> Any:
    """Return what a person wants to see of a message body: the request, the outcome, or the text as it is."""
    envelope = _open_envelope(body)
    match _kind_of(envelope):
        case "task":
            return envelope["request"]
        case "outcome":
            return _outcome_of(body)
        case None:
            return body


def _open_envelope(body: str) -> dict[str, Any]:
    try:
        envelope = exact_json.loads(body, max_depth=exact_json.MAX_DEPTH + 1)
    except ValueError:
        return {}
    return envelope if isinstance(envelope, dict) else {}


def _kind_of(envelope: Mapping[str, Any]) -> Literal["task", "outcome"] | None:
    if "request" in envelope:
        return "task"
    # An outcome too large for a message has another field for its body, and this one all the same.
    return "outcome" if "callback_url" in envelope else None


def _callback_url_of(envelope: Mapping[str, Any]) -> Any:
    request = envelope.get("request")
    return request.get("callback_url") if isinstance(request, dict) else envelope.get("callback_url")


def _failure_of(message: ReceivedMessage, attempts_allowed: int | None) -> tuple[str, int | None]:
    if attempts_allowed is not None:
        failure = read_failure(message, attempts_allowed)
        made = failure.attempts + earlier_delivery_attempts(message.attributes)
        return failure.reason, made if failure.is_reported else None
    attempts = read_count(message.attributes.get(ATTEMPTS_ATTRIBUTE, ""))
    return message.attributes.get(REASON_ATTRIBUTE, "no reason given"), attempts


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _seconds(value: Any) -> float | None:
    """Read a time that a calendar has a date for."""
    try:
        datetime.fromtimestamp(float(value), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return float(value)


def _outcome_of(body: str) -> Any:
    try:
        text = decode_outcome(body).body
        return exact_json.loads(text, max_depth=exact_json.MAX_DEPTH + 2)
    except (UnusableMessageError, ValueError):
        return body
