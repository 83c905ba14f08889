"""Dead messages and what holds them as tables for a terminal. Pure: nothing here prints."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from services.dead_letters.as_json import iso
from services.dead_letters.dead_message import DeadLetter
from services.dead_letters.plan import Move
from services.primitives import exact_json
from services.primitives.durations import describe_duration
from services.queueing.definition import QueueDefinition
from services.queueing.queue import QueueState
from services.streams.printable import printable
from services.streams.whole_table import WholeTable

UNKNOWN = "—"


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
    return None if at is None else f"{iso(at)} ({describe_duration(now - at)} ago)"
