"""The command `trace`: one task's story, from the logs of all services."""

import json
import time
from collections.abc import Iterable, Iterator

from stack.console import show, show_json
from stack.errors import StackError
from stack.log_line import LineReader, RawLine
from stack.story_view import story_json, story_lines
from stack.task_story import Story, story_of

MOST_NAMED = 5


def show_story(story: Story, *, as_json: bool) -> None:
    """Print it."""
    now = time.time()
    if as_json:
        show_json(story_json(story, now))
        return
    for line in story_lines(story, now):
        show(line)


def find_story(beginning: str, batches: Iterable[list[RawLine]]) -> Story:
    """The story of the task whose id begins so. Raises `StackError` where there is none, or more than one."""
    if not beginning:
        raise StackError("Say which task: `make trace TASK=<id>`; its first characters will do.")
    begin_at: dict[str, float] = {}
    lines = list(LineReader().read(_lines_with(beginning, _noting_when_logs_begin(batches, begin_at))))
    ids = list(dict.fromkeys(line.task_id for line in lines if line.is_of_task(beginning)))
    if not ids:
        raise StackError(
            f"No log tells of a task {beginning}. Is it complete, or the beginning of an id? `make tail` shows tasks as"
            " they come; logs are kept for a while only, those of containers until these are replaced; and"
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
    """The batches as they are; each service gets the time of its first line that tells one."""
    reader = LineReader()
    for batch in batches:
        for line in batch:
            if line.service not in begin_at and (at := next(reader.read([line])).at):
                begin_at[line.service] = at
        yield batch
