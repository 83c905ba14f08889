"""How dead messages look, to a person and as JSON. Pure: nothing here prints."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from services.dead_letters.dead_message import DeadLetter, content_of
from services.dead_letters.destination import destination_of
from services.dead_letters.plan import Move, Route
from services.dead_letters.view import View
from services.primitives import exact_json
from services.primitives.durations import describe_duration
from services.queueing.definition import QueueDefinition
from services.queueing.message import ReceivedMessage
from services.queueing.queue import QueueState
from services.streams.printable import printable
from services.streams.whole_table import WholeTable

UNKNOWN = "—"


def count(number: int, noun: str = "message") -> str:
    """Return `1 message`, `2 messages`, `1,000 messages`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def total(states: Mapping[str, QueueState]) -> int:
    """Return how many messages there are to be looked at."""
    return sum(state.messages for state in states.values())


def routes_text(routes: Counter[Route]) -> str:
    """Return how many messages go, or went, from which queue to which."""
    return ", ".join(f"{number:,} from {source} to {to}" for (source, to), number in sorted(routes.items()) if number)


def queue_table(states: Mapping[str, QueueState], definitions: Mapping[str, QueueDefinition]) -> WholeTable:
    """Return a line for each queue: how much it holds, and where a redrive returns it."""
    counts = ("messages", "in flight")
    table = WholeTable("queue", *counts, "a redrive returns them to", right=counts)
    for name, state in states.items():
        returns_to = definitions[name].source_queue or "the queue each came from"
        table.add_row(name, f"{state.messages:,}", f"{state.in_flight:,}", returns_to)
    return table


def letter_table(letters: Iterable[DeadLetter], now: float) -> WholeTable:
    """Return a line for each message; its reason is cut off where the terminal ends."""
    table = _letter_columns("attempts", "reason")
    for letter in letters:
        table.add_row(*_cells(letter, now), str(letter.attempts or UNKNOWN), _one_line(letter.reason))
    return table


def move_table(moves: Iterable[Move], stranded: Iterable[DeadLetter], now: float) -> WholeTable:
    """Return a line for each message that a redrive would move, or would not know where to move."""
    table = _letter_columns("goes to", "reason")
    for move in moves:
        table.add_row(*_cells(move.letter, now), Text(move.destination), _one_line(move.letter.reason))
    for letter in stranded:
        table.add_row(*_cells(letter, now), Text("nowhere: use --to", style="red"), _one_line(letter.reason))
    return table


def in_flight_notes(states: Mapping[str, QueueState]) -> list[str]:
    """Say of each queue what cannot be seen in it, so that nothing to see is never a lie."""
    return [
        f"{count(state.in_flight)} of {name} cannot be seen: in flight, in the hands of the DLQ watcher or of another"
        " command, or hidden for a while by one that was killed."
        for name, state in states.items()
        if state.in_flight
    ]


def unclaimed_notes(states: Mapping[str, QueueState]) -> list[str]:
    """Say which queues of the stack no task type claims, and what they hold."""
    if not states:
        return []
    held = ", ".join(
        f"{name} ({count(state.messages + state.in_flight + state.delayed)})" for name, state in states.items()
    )
    note = (
        f"No task type claims {held}: nobody works what is in them, nor reports it, and SQS drops it in the end."
        " Put the task type back until they are empty, then delete them (docs/adding-a-task-type.md)."
    )
    return [note]


def unclaimed_json(name: str, state: QueueState) -> dict[str, Any]:
    """Return a queue that no task type claims for `list --json`."""
    return {"name": name, "messages": state.messages, "in_flight": state.in_flight, "delayed": state.delayed}


def letter_details(letter: DeadLetter, content: Any, redrives_to: str | None, now: float) -> list[RenderableType]:
    """Return all that is known of one message, part by part."""
    lines = {
        "task": letter.task_id,
        "task type": letter.task_type,
        "queue": letter.queue,
        "redrives to": redrives_to or "nobody knows: use --to",
        "SQS message": letter.message_id,
        "accepted": _time_text(letter.accepted_at, now),
        "dead since" if letter.was_given_up else "queued": _time_text(letter.sent_at, now),
        "attempts": str(letter.attempts or UNKNOWN),
        "reason": letter.reason,
        "callback": letter.callback_url,
    }
    grid = WholeTable("", "", has_header=False)
    grid.columns[1].no_wrap = False
    for name, value in lines.items():
        if value is not None:
            grid.add_row(Text(name, style="dim"), Text(printable(value), overflow="fold"))
    trace = ["\ntrace", printable(letter.trace)] if letter.trace else []
    text = content if isinstance(content, str) else exact_json.pretty(content)
    return [grid, *trace, f"\n{letter.content_name}", printable(text)]


def view_json(view: View, definitions: Mapping[str, QueueDefinition], now: float) -> dict[str, Any]:
    """Return what was seen for `list --json`."""
    return {
        "queues": [queue_json(name, state, definitions[name]) for name, state in view.states.items()],
        "messages": [letter_json(letter, destination_of(letter, definitions), now) for letter in view.letters],
        "complete": not view.is_limited and not view.was_interrupted,
    }


def details_json(letter: DeadLetter, message: ReceivedMessage, redrives_to: str | None, now: float) -> dict[str, Any]:
    """Return one message with all that is known of it, for `show --json`."""
    return {
        **letter_json(letter, redrives_to, now),
        "trace": letter.trace,
        "attributes": message.attributes,
        letter.content_name: content_of(message.body),
    }


def letter_json(letter: DeadLetter, redrives_to: str | None, now: float) -> dict[str, Any]:
    """Return a message for `--json`; times are UTC in ISO 8601, ages seconds."""
    return {
        "queue": letter.queue,
        "message_id": letter.message_id,
        "kind": letter.kind,
        "task_id": letter.task_id,
        "task_type": letter.task_type,
        "callback_url": letter.callback_url,
        "accepted_at": _iso(letter.accepted_at),
        "sent_at": _iso(letter.sent_at),
        "age_seconds": max(round(now - letter.sent_at), 0),
        "attempts": letter.attempts,
        "reason": letter.reason,
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


def _letter_columns(*last: str) -> WholeTable:
    table = WholeTable("queue", "task", "task type", "age", *last, right=["attempts"])
    # Where the terminal is narrow, these two are cut off: the beginning of an id is enough for the other commands.
    for column, narrowest in ((table.columns[1], 9), (table.columns[-1], 15)):
        column.no_wrap, column.min_width = False, narrowest
    return table


def _cells(letter: DeadLetter, now: float) -> tuple[Text, ...]:
    told = (letter.queue, letter.task_id or letter.message_id, letter.task_type or UNKNOWN)
    return (*(_one_line(each) for each in told), Text(describe_duration(now - letter.sent_at)))


def _one_line(text: str) -> Text:
    return Text(printable(" ".join(text.split())), no_wrap=True, overflow="ellipsis")


def _time_text(at: float | None, now: float) -> str | None:
    return None if at is None else f"{_iso(at)} ({describe_duration(now - at)} ago)"


def _iso(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
