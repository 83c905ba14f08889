"""The command `list`: how much each queue holds, and what."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from services.dead_letters.as_json import unclaimed_json, view_json
from services.dead_letters.dead_letter_queues import DeadLetterQueues
from services.dead_letters.errors import InterruptionError, UsageError
from services.dead_letters.in_words import count, in_flight_notes, unclaimed_notes
from services.dead_letters.selection import Criteria
from services.dead_letters.view import View, look_at
from services.dlq import tables
from services.dlq.program import Program
from services.dlq.terminal import json_result, looking, result
from services.queueing.definition import QueueDefinition
from services.queueing.queue import QueueState


@dataclass(frozen=True, slots=True)
class _Seen:
    view: View
    definitions: dict[str, QueueDefinition]
    unclaimed: dict[str, QueueState]
    """What no task type claims; it is counted, and not looked at."""
    problem: str | None


def list_messages(program: Program, queue: str | None, criteria: Criteria, most: int | None, *, as_json: bool) -> None:
    """Print the queues and their messages that match, `most` of them at the most."""
    seen = program.run(lambda dead_letter_queues: _see(dead_letter_queues, program, queue, criteria, most))
    if as_json:
        unclaimed = [unclaimed_json(name, state) for name, state in seen.unclaimed.items()]
        view = view_json(seen.view, seen.definitions, time.time())
        json_result({**view, "unclaimed": unclaimed, "unclaimed_problem": seen.problem})
    else:
        _print(seen, criteria)
    if seen.view.was_interrupted:
        raise InterruptionError("Interrupted: not every message was looked at; all are where they were.")


async def _see(
    dead_letter_queues: DeadLetterQueues, program: Program, queue: str | None, criteria: Criteria, most: int | None
) -> _Seen:
    if queue and program.plain(queue) in program.names:
        view = await _look(dead_letter_queues, [program.plain(queue)], criteria, most)
        return _Seen(view, dead_letter_queues.definitions, {}, None)
    unclaimed = await dead_letter_queues.unclaimed()
    others = dead_letter_queues.of(unclaimed.definitions)
    if not queue:
        view = await _look(dead_letter_queues, program.names, criteria, most)
        return _Seen(
            view, dead_letter_queues.definitions, await others.states(list(others.definitions)), unclaimed.problem
        )
    name = queue.removeprefix(program.settings.queue_name_prefix)
    dlqs = [each for each, definition in unclaimed.definitions.items() if definition.source_queue]
    if name not in dlqs:
        raise UsageError(f"There is no queue {queue} to list: there are {', '.join([*program.names, *dlqs])}.")
    return _Seen(await _look(others, [name], criteria, most), others.definitions, {}, None)


async def _look(
    dead_letter_queues: DeadLetterQueues, names: Sequence[str], criteria: Criteria, most: int | None
) -> View:
    states = await dead_letter_queues.states(names)
    with looking(states) as on_look:
        return await look_at(dead_letter_queues, states, criteria, most, on_look)


def _print(seen: _Seen, criteria: Criteria) -> None:
    view = seen.view
    result(tables.queue_table(view.states, seen.definitions), "")
    if view.dead_messages:
        result(tables.dead_message_table(view.dead_messages, time.time()))
    else:
        result("No message matches." if criteria else "No message is to be seen.")
    notes = in_flight_notes(view.states)
    if view.is_limited:
        notes.append(f"These {count(len(view.dead_messages))} were found first: there may be more.")
    notes += [*unclaimed_notes(seen.unclaimed), *filter(None, [seen.problem])]
    result(*(f"\n{note}" for note in notes))
