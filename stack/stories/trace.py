"""The command `trace`: one task's story, from the logs of all services."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from stack.broker.api import Sqs, connect
from stack.config import StackSettings
from stack.errors import StackError
from stack.logs.line import LineReader, RawLine
from stack.stories.standing import IN_A_QUEUE
from stack.stories.story import Story, story_of
from stack.stories.story_view import story_json, story_lines
from stack.terminal import show, show_json

MOST_NAMED = 5


def show_story(story: Story, *, as_json: bool) -> None:
    """Print it."""
    now = time.time()
    if as_json:
        show_json(story_json(story, now))
        return
    for line in story_lines(story, now):
        show(line)


def find_true_story(beginning: str, read_logs: Callable[[], Iterable[list[RawLine]]], settings: StackSettings) -> Story:
    """The story, checked against the queues where the logs alone would have it wait there.

    Raises `StackError` where there is none, or more than one.
    """
    story = find_story(beginning, read_logs())
    if story.standing.state not in IN_A_QUEUE:
        return story
    absent_since = when_lost(story, settings)
    # What was settled while the queues were looked through has been logged by now.
    return replace(find_story(story.task_id, read_logs()), absent_since=absent_since) if absent_since else story


def when_lost(story: Story, settings: StackSettings) -> float | None:
    """When all queues were made anew since the story's end, with no message of the task in them; None if not so.

    A broker that does not answer has no say, nor has one that does not show its messages: to receive them would take
    them from their workers.
    """
    if not settings.broker.shows_messages:
        return None
    try:
        with connect(settings) as sqs:
            made_at = _made_at(sqs)
            return made_at if story.ended_before(made_at) and not _is_in(sqs, story.task_id) else None
    except StackError:
        return None


def doubt(story: Story, settings: StackSettings) -> str:
    """A line where the task may be lost, and its broker does not show whether it is; empty where it is not so."""
    if settings.broker.shows_messages or story.standing.state not in IN_A_QUEUE:
        return ""
    try:
        with connect(settings) as sqs:
            made_at = _made_at(sqs)
    except StackError:
        return ""
    if not story.ended_before(made_at):
        return ""
    return (
        f"The queues were made anew since, and {settings.broker.title} does not show what is in them: unless `make up`"
        " has restored it, it is gone. Post it again where its callback does not come."
    )


def _made_at(sqs: Sqs) -> float:
    """When all queues were there last, in seconds since the epoch."""
    return min(map(sqs.created_at, sqs.queue_urls().values()), default=0.0)


def _is_in(sqs: Sqs, task_id: str) -> bool:
    """Whether a message names the task in its body or its attributes."""
    urls = sqs.queue_urls().values()
    return any(task_id in json.dumps(message) for url in urls for message in sqs.show_messages(url))


def find_story(beginning: str, batches: Iterable[list[RawLine]]) -> Story:
    """The story of the task whose id begins so. Raises `StackError` where there is none, or more than one."""
    if not beginning:
        raise StackError("Say which task: `make trace TASK=<id>`; its first characters will do.")
    begin_at: dict[str, float] = {}
    lines = list(LineReader().read(_lines_with(beginning, _noting_when_logs_begin(batches, begin_at))))
    ids = list(dict.fromkeys(line.task_id for line in lines if line.is_of_task(beginning)))
    if not ids:
        raise StackError(
            f"No log has a task {beginning}. Is it complete, or the beginning of an id? `make tail` shows tasks as"
            " they come; logs are kept for a while only, those of containers until plain Compose removes these; and"
            " with LOG_FORMAT=console they cannot be searched."
        )
    if len(ids) > 1:
        named = ", ".join(map(str, ids[:MOST_NAMED])) + (", …" if len(ids) > MOST_NAMED else "")
        raise StackError(f"{len(ids)} tasks begin with {beginning}: {named}. Give more of the id.")
    return story_of(str(ids[0]), lines, begin_at)


def _lines_with(beginning: str, batches: Iterable[list[RawLine]]) -> Iterable[RawLine]:
    """Those that may be meant: most lines need not be read as JSON to be left aside."""
    text = json.dumps(beginning)[:-1]
    return (line for batch in batches for line in batch if text in line.text)


def _noting_when_logs_begin(batches: Iterable[list[RawLine]], begin_at: dict[str, float]) -> Iterator[list[RawLine]]:
    """The batches as they are; each service gets the time of its first line that has one."""
    reader = LineReader()
    for batch in batches:
        for line in batch:
            if line.service not in begin_at and (at := next(reader.read([line])).at):
                begin_at[line.service] = at
        yield batch
