"""How a task's story looks to a person, and as JSON. Pure: nothing here prints."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from rich.text import Text

from services.primitives.durations import describe_duration
from stack.logs.view import blocks, date_and_time, service_style, shown, time_of_day, value_text, width_of
from stack.stories.standing import Standing, State
from stack.stories.step import Mark, Step
from stack.stories.story import Story

SIGNS: dict[Mark, str] = {"done": "✓", "failed": "✗", "retry": "↻", "note": "·"}
MARK_STYLES: dict[Mark, str] = {"done": "green", "failed": "bold red", "retry": "yellow", "note": "dim"}

GAP_SECONDS = 1.0
"""A longer pause between two steps is worth a line of its own."""

ID_SHOWN = 8
SHOWN_ELSEWHERE = {
    "timestamp",
    "level",
    "event",
    "logger",
    "task_id",
    "message_group_id",
    "trace_id",
    "span_id",
    "exception",
    "stack",
    "trace",
}

MINUTE = 60

LOOK = "`make ps` shows who works"


def story_lines(story: Story, now: float) -> Iterator[Text]:
    """The timeline: a head, a line for each step, and how the task stands."""
    width = width_of(step.line.service for step in story.steps)
    yield from _head(story)
    before = story.began_at
    for step in story.steps:
        if step.line.at - before >= GAP_SECONDS:
            yield Text(f"{'':>12}  ⋮ {duration_text(step.line.at - before)}", style="dim")
        before = step.line.at
        since = Text(f"{'+' + duration_text(step.line.at - story.began_at):>12}", style="dim")
        yield Text.assemble(since, "  ", _step_text(step, width))
    yield Text.assemble("\n", _verdict(story, now))


def step_line(step: Step, width: int) -> Text:
    """One step of any task's life in one line, and the exception below it; `width` is that of the services' names."""
    task = (step.line.task_id or "")[:ID_SHOWN].ljust(ID_SHOWN)
    time = Text(time_of_day(step.line.at), style="dim")
    return Text.assemble(time, "  ", Text(shown(task), style="bold"), "  ", _step_text(step, width))


def standing_text(standing: Standing, task_id: str, now: float) -> Text:
    """The sentence that says how the task stands, and what to do."""
    mark, words = _standing(standing, task_id, now)
    return Text(f"{SIGNS[mark]} {words}", style=MARK_STYLES[mark])


def story_json(story: Story, now: float) -> dict[str, Any]:
    """The story for `--json`; times are UTC in ISO 8601."""
    standing = story.standing
    return {
        "task_id": story.task_id,
        "task_type": story.task_type,
        "message_group_id": story.message_group_id,
        "trace_ids": story.trace_ids,
        "standing": {
            "state": standing.state,
            "is_settled": standing.is_settled,
            "outcome": standing.outcome,
            "reason": standing.reason or None,
            "failure": standing.failure or None,
            "next_attempt_at": None if standing.due_at is None else iso(standing.due_at),
            "text": _verdict(story, now).plain,
        },
        "steps": [step_json(step, story.began_at) for step in story.steps],
    }


def step_json(step: Step, began_at: float | None = None) -> dict[str, Any]:
    """One step for `--json`, with the line that it was read from."""
    since = {} if began_at is None else {"since_seconds": round(step.line.at - began_at, 6)}
    return {
        "at": iso(step.line.at),
        **since,
        "task_id": step.line.task_id,
        "service": step.line.service,
        "mark": step.mark,
        "text": step.text,
        "line": dict(step.line.fields),
    }


def iso(at: float) -> str:
    """The time in UTC, to the microsecond."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def duration_text(seconds: float) -> str:
    """`0.123 s`, or in minutes and more `1m 5s`."""
    return f"{seconds:.3f} s" if seconds < MINUTE else describe_duration(seconds)


def _head(story: Story) -> Iterator[Text]:
    verb = "accepted" if story.was_accepted else "first seen in what is left of the logs"
    yield Text.assemble(
        "Task ", Text(shown(story.task_id), style="bold"), f" ({shown(story.task_type or 'type unknown')})"
    )
    began = datetime.fromtimestamp(story.began_at).astimezone()
    yield Text(f"{verb} {began:%Y-%m-%d %H:%M:%S.%f}"[:-3] + f" {began:%z}", style="dim")
    for trace_id in story.trace_ids:
        yield Text(f"trace {shown(trace_id)}", style="dim")
    yield Text("")


def _step_text(step: Step, width: int) -> Text:
    text = Text.assemble(
        Text(step.line.service.ljust(width), style=service_style(step.line.service)),
        "  ",
        Text(SIGNS[step.mark], style=MARK_STYLES[step.mark]),
        f" {shown(step.text)}",
    )
    if not step.is_known:
        for field, value in step.line.fields.items():
            if field not in SHOWN_ELSEWHERE:
                text.append(f"  {shown(field)}=", style="dim").append(value_text(value))
    return text.append_text(blocks(step.line, " " * 16))


def _standing(standing: Standing, task_id: str, now: float) -> tuple[Mark, str]:
    anew = f"made anew on {date_and_time(standing.lost_at)}, without it"
    redrive = f'bring it back with `make dlq ARGS="redrive {task_id}"`'
    marks_and_words: dict[State, tuple[Mark, str]] = {
        "not queued": ("failed", f"Not accepted: {standing.reason}. Post it again."),
        "unknown": ("note", f"What is left of the logs does not show how it stands; {LOOK}."),
        "queued": ("note", _queued_text(standing, now)),
        "at work": ("note", f"A worker has had it in flight, and has not said what came of it; {LOOK}."),
        "hidden": ("retry", f"Its function ended: {standing.reason}. {_hidden_text(standing, now)}"),
        "retrying": ("retry", f"Waits for its next attempt {_due_text(standing, now)}: {standing.reason}"),
        "delivering": (
            "retry",
            f"The {standing.outcome} waits for its next delivery {_due_text(standing, now)}: {standing.reason}",
        ),
        "dead": ("failed", f"In a dead-letter queue, for the DLQ watcher to take: {standing.reason}; {LOOK}."),
        "undelivered": ("failed", f"Reached nobody, and waits in undelivered: {standing.reason}; {redrive}."),
        "delivered": ("done", "Done: the callback has the outcome."),
        "lost": ("failed", f"Lost: LocalStack ended and kept nothing; the queues were {anew}. Submit it again."),
    }
    if standing.state == "delivered" and standing.outcome == "failure":
        return "failed", f"Failed for good, and the callback knows{_because(standing)}"
    if standing.state == "delivered" and standing.is_by_receiver_alone:
        return "done", "Done: the receiver has taken the outcome; no other log has it."
    return marks_and_words[standing.state]


def _verdict(story: Story, now: float) -> Text:
    return standing_text(story.standing, story.task_id, now).append(_what_logs_lack(story))


def _what_logs_lack(story: Story) -> str:
    logs = story.logs_that_begin_too_late.items()
    begin = ", ".join(f"that of {shown(service)} begins on {date_and_time(at)}" for service, at in logs)
    if not begin:
        return ""
    gone = "older lines were rotated away, or removed with their container"
    return f" The logs do not reach back far enough to show all: {begin}; {gone}."


def _queued_text(standing: Standing, now: float) -> str:
    """Say until when the task is delayed, where it is."""
    if standing.due_at is not None and standing.due_at > now:
        return f"Accepted, and delayed until {time_of_day(standing.due_at)[:-4]}, as its client wanted."
    return f"Accepted, and no worker has said anything of it yet: it waits, or is worked; {LOOK}."


def _because(standing: Standing) -> str:
    return f": {standing.failure}" if standing.failure else "."


def _hidden_text(standing: Standing, now: float) -> str:
    """Say until when SQS hides the message, which nothing shortens."""
    if standing.due_at is None:
        return "Its message comes back after its queue's visibility timeout."
    until = time_of_day(standing.due_at)[:-4]
    if standing.due_at > now:
        return f"Its message comes back when its queue's visibility timeout is over, at {until}."
    return f"Its message was hidden until {until}; {LOOK}."


def _due_text(standing: Standing, now: float) -> str:
    if standing.due_at is None:
        return "soon"
    if standing.due_at > now:
        return f"until {time_of_day(standing.due_at)[:-4]}"
    return f"since {time_of_day(standing.due_at)[:-4]} ({LOOK})"
