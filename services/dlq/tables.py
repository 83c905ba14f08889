"""Dead messages and what holds them as tables for a terminal. Pure: nothing here prints."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from services.dead_letters.as_json import iso
from services.dead_letters.dead_message import DeadMessage
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


def dead_message_table(dead_messages: Sequence[DeadMessage], now: float) -> WholeTable:
    """Return a line for each message, with its message group where one has one.

    Its reason is cut off where the terminal ends.
    """
    has_groups = any(dead_message.message_group_id for dead_message in dead_messages)
    table = _letter_columns("attempts", *(["message group"] if has_groups else []), "reason")
    for dead_message in dead_messages:
        group = [_one_line(dead_message.message_group_id or UNKNOWN)] if has_groups else []
        attempts = str(dead_message.attempts or UNKNOWN)
        table.add_row(*_cells(dead_message, now), attempts, *group, _one_line(dead_message.reason))
    return table


def move_table(moves: Iterable[Move], stranded: Iterable[DeadMessage], now: float) -> WholeTable:
    """Return a line for each message that a redrive would move, or would not know where to move."""
    table = _letter_columns("goes to", "reason")
    for move in moves:
        table.add_row(*_cells(move.dead_message, now), Text(move.destination), _one_line(move.dead_message.reason))
    for dead_message in stranded:
        table.add_row(
            *_cells(dead_message, now), Text("nowhere: use --to", style="red"), _one_line(dead_message.reason)
        )
    return table


def dead_message_details(
    dead_message: DeadMessage, content: Any, redrives_to: str | None, now: float
) -> list[RenderableType]:
    """Return all that is known of one message, part by part."""
    lines = {
        "task": dead_message.task_id,
        "task type": dead_message.task_type,
        "queue": dead_message.queue,
        "redrives to": redrives_to or "nobody knows: use --to",
        "SQS message": dead_message.message_id,
        "accepted": _time_text(dead_message.accepted_at, now),
        "dead since" if dead_message.was_given_up else "queued": _time_text(dead_message.sent_at, now),
        "attempts": str(dead_message.attempts or UNKNOWN),
        "reason": dead_message.reason,
        "callback": dead_message.callback_url,
        "message group": dead_message.message_group_id,
    }
    grid = WholeTable("", "", has_header=False)
    grid.columns[1].no_wrap = False
    for name, value in lines.items():
        if value is not None:
            grid.add_row(Text(name, style="dim"), Text(printable(value), overflow="fold"))
    trace = ["\ntrace", printable(dead_message.trace)] if dead_message.trace else []
    text = content if isinstance(content, str) else exact_json.pretty(content)
    return [grid, *trace, f"\n{dead_message.content_name}", printable(text)]


def _letter_columns(*last: str) -> WholeTable:
    table = WholeTable("queue", "task", "task type", "age", *last, right=["attempts"])
    # Where the terminal is narrow, these two are cut off: the beginning of an id is enough for the other commands.
    for column, narrowest in ((table.columns[1], 9), (table.columns[-1], 15)):
        column.no_wrap, column.min_width = False, narrowest
    return table


def _cells(dead_message: DeadMessage, now: float) -> tuple[Text, ...]:
    texts = (dead_message.queue, dead_message.task_id or dead_message.message_id, dead_message.task_type or UNKNOWN)
    return (*(_one_line(each) for each in texts), Text(describe_duration(now - dead_message.sent_at)))


def _one_line(text: str) -> Text:
    return Text(printable(" ".join(text.split())), no_wrap=True, overflow="ellipsis")


def _time_text(at: float | None, now: float) -> str | None:
    return None if at is None else f"{iso(at)} ({describe_duration(now - at)} ago)"
