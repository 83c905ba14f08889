"""The command `list`: how much each queue holds, and what."""

import time
from collections.abc import Sequence

from services.dlq import render
from services.dlq.end_of_line import EndOfLine
from services.dlq.errors import InterruptionError
from services.dlq.program import Program
from services.dlq.selection import Criteria
from services.dlq.terminal import progress_bar, result
from services.dlq.view import View, look_at


def list_messages(program: Program, queue: str | None, criteria: Criteria, most: int | None, *, as_json: bool) -> None:
    """Print the queues and their messages that match, `most` of them at the most."""
    names = [program.queue_to_list(queue)] if queue else program.names
    view = program.run(lambda end_of_line: _look(end_of_line, names, criteria, most))
    if as_json:
        result(render.json_text(render.view_json(view, program.definitions, time.time())))
    else:
        _print(program, view, criteria)
    if view.was_interrupted:
        raise InterruptionError("Interrupted: not every message was looked at; all are where they were.")


async def _look(end_of_line: EndOfLine, names: Sequence[str], criteria: Criteria, most: int | None) -> View:
    states = await end_of_line.states(names)
    with progress_bar("Looking", render.total(states), is_transient=True) as on_look:
        return await look_at(end_of_line, states, criteria, most, on_look)


def _print(program: Program, view: View, criteria: Criteria) -> None:
    result(render.queue_table(view.states, program.definitions), "")
    if view.letters:
        result(render.letter_table(view.letters, time.time()))
    else:
        result("No message matches." if criteria else "No message is to be seen.")
    notes = render.in_flight_notes(view.states)
    if view.is_limited:
        notes.append(f"These {render.count(len(view.letters))} were found first: there may be more.")
    result(*(f"\n{note}" for note in notes))
