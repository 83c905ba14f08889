"""The command `tail`: what happens to tasks, across all services, as it happens."""

import json
from collections.abc import Iterable, Iterator

from stack.logs.line import ROTATED_AWAY, LineReader, RawLine
from stack.stories.step import Step, step_of
from stack.stories.story_view import step_json, step_line
from stack.terminal import show, write_json_line

NARROWEST = len("worker-calculation")


def show_steps(steps: Iterable[Step], *, as_json: bool) -> None:
    """Print them as they come, a line each."""
    width = NARROWEST
    for step in steps:
        if as_json:
            write_json_line(json.dumps(step_json(step)))
            continue
        width = max(width, len(step.line.service))
        show(step_line(step, width))


def steps_in(batches: Iterable[list[RawLine]], *, beginning: str, failures_only: bool) -> Iterator[Step]:
    """The steps in the lives of the tasks whose ids begin so, as the lines come, and where some are missing."""
    reader = LineReader()
    for batch in batches:
        for line in reader.in_order(batch):
            if not (line.event == ROTATED_AWAY or line.is_of_task(beginning)):
                continue
            step = step_of(line)
            if step.is_failure or (step.is_known and not failures_only):
                yield step
