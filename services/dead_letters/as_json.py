"""Dead messages and what holds them as JSON, for `--json` and for the console's page. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from services.dead_letters.dead_message import DeadMessage, content_of
from services.dead_letters.destination import destination_of
from services.dead_letters.plan import Route
from services.dead_letters.view import View
from services.queueing.definition import QueueDefinition
from services.queueing.message import ReceivedMessage
from services.queueing.queue import QueueState


def view_json(view: View, definitions: Mapping[str, QueueDefinition], now: float) -> dict[str, Any]:
    """Return what was seen for `list --json`."""
    return {
        "queues": [queue_json(name, state, definitions[name]) for name, state in view.states.items()],
        "messages": [
            dead_message_json(dead_message, destination_of(dead_message, definitions), now)
            for dead_message in view.dead_messages
        ],
        "complete": not view.is_limited and not view.was_interrupted,
    }


def details_json(
    dead_message: DeadMessage, message: ReceivedMessage, redrives_to: str | None, now: float
) -> dict[str, Any]:
    """Return one message with all that is known of it, for `show --json`."""
    return {
        **dead_message_json(dead_message, redrives_to, now),
        "trace": dead_message.trace,
        "attributes": message.attributes,
        dead_message.content_name: content_of(message.body),
    }


def dead_message_json(dead_message: DeadMessage, redrives_to: str | None, now: float) -> dict[str, Any]:
    """Return a message for `--json`; times are UTC in ISO 8601, ages seconds."""
    return {
        "queue": dead_message.queue,
        "message_id": dead_message.message_id,
        "kind": dead_message.kind,
        "task_id": dead_message.task_id,
        "task_type": dead_message.task_type,
        "callback_url": dead_message.callback_url,
        "message_group_id": dead_message.message_group_id,
        "accepted_at": iso(dead_message.accepted_at),
        "sent_at": iso(dead_message.sent_at),
        "age_seconds": max(round(now - dead_message.sent_at), 0),
        "attempts": dead_message.attempts,
        "reason": dead_message.reason,
        "redrives_to": redrives_to,
    }


def redrive_json(routes: Counter[Route], problems: Iterable[str], *, dry_run: bool = False) -> dict[str, Any]:
    """Return for `--json` what a redrive has moved; `dry_run`: what it would move."""
    return {
        "moved": routes.total(),
        "routes": [
            {"source": source, "destination": destination, "messages": number}
            for (source, destination), number in sorted(routes.items())
            if number
        ],
        "problems": list(problems),
        "dry_run": dry_run,
    }


def queue_json(name: str, state: QueueState, definition: QueueDefinition) -> dict[str, Any]:
    """Return a queue for `--json`."""
    return {
        "name": name,
        "messages": state.messages,
        "in_flight": state.in_flight,
        "source_queue": definition.source_queue,
    }


def unclaimed_json(name: str, state: QueueState) -> dict[str, Any]:
    """Return a queue that no task type claims for `list --json`."""
    return {"name": name, "messages": state.messages, "in_flight": state.in_flight, "delayed": state.delayed}


def iso(at: float | None) -> str | None:
    """Return a time in seconds since the epoch as UTC in ISO 8601; None where there is none."""
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
