"""The command `redrive`: says what it will do, asks, does it, and says what it has done."""

import time
from collections import Counter
from collections.abc import Sequence

import typer

from services.dead_letters.as_json import redrive_json
from services.dead_letters.dead_letter_queues import DeadLetterQueues
from services.dead_letters.errors import DlqError, InterruptionError, UsageError
from services.dead_letters.in_words import count, in_flight_notes, routes_text
from services.dead_letters.plan import Plan, Route, Selection, make_plan
from services.dead_letters.redrive import Moved, redrive
from services.dlq import tables
from services.dlq.program import Program
from services.dlq.terminal import is_interactive, json_result, looking, progress_bar, result, say
from services.streams.standard_streams import is_output_lost

_MOST_PROBLEMS = 5


def redrive_messages(  # noqa: PLR0913  # each is an option of the command
    program: Program, selection: Selection, to: str | None, *, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Redrive what is selected to the queue `to`, or else each message to where it came from.

    Raises DlqError where something stays that was to be moved.
    """
    if not (dry_run or yes or is_interactive()):
        raise UsageError("Nobody can be asked here: add --yes to redrive without a question, or --dry-run.")
    plan = program.run(lambda dead_letter_queues: _plan(dead_letter_queues, selection, to, one_by_one=dry_run))
    for note in in_flight_notes(plan.states):
        say(note)
    if dry_run and as_json:
        planned = redrive_json(plan.routes, _stranded(plan), dry_run=True)
        json_result(planned)
        return
    if dry_run:
        table = tables.move_table(plan.moves, plan.stranded, time.time())
        result(table, f"\nWould move {_routes_text(plan.routes)}.")
        return
    problems = [*plan.unclear, *_stranded(plan)]
    if plan.routes:
        if not yes:
            typer.confirm(f"Redrive {_routes_text(plan.routes)}?", abort=True, err=True)
        problems += _carry_out(program, plan, problems, as_json=as_json)
    elif as_json:
        json_result(redrive_json(plan.routes, problems))
    if not (plan.routes or problems):
        _nothing_to_move(selection, as_json=as_json)
    if problems:
        raise DlqError("\n".join(problems))


async def _plan(
    dead_letter_queues: DeadLetterQueues, selection: Selection, to: str | None, *, one_by_one: bool
) -> Plan:
    with looking(await dead_letter_queues.states(selection.queues)) as on_look:
        plan = await make_plan(dead_letter_queues, selection, to, on_look, one_by_one=one_by_one)
    if dead_letter_queues.stop.is_set():
        raise InterruptionError("Interrupted: nothing was moved.")
    return plan


def _carry_out(program: Program, plan: Plan, known_problems: Sequence[str], *, as_json: bool) -> list[str]:
    """Return what went wrong, a line each."""
    moved = Moved()

    async def carry_out(dead_letter_queues: DeadLetterQueues) -> bool:
        with progress_bar("Redriving", plan.routes.total()) as on_moved:
            await redrive(dead_letter_queues, plan, moved, on_moved)
        return dead_letter_queues.stop.is_set()

    try:
        was_interrupted = program.run(carry_out)
    finally:
        # Whatever ended it: this much is done.
        done = f"Moved {_routes_text(moved.routes)}."
        if as_json:
            json_result(redrive_json(moved.routes, [*known_problems, *moved.problems]))
        else:
            result(done)
        if is_output_lost():
            say(done)
    if was_interrupted:
        raise InterruptionError("Interrupted: what was not moved is where it was.")
    problems = moved.problems
    more = len(problems) - _MOST_PROBLEMS
    return [*problems[:_MOST_PROBLEMS], f"… and {more:,} more"] if more > 0 else problems


def _stranded(plan: Plan) -> list[str]:
    if not plan.stranded:
        return []
    ids = ", ".join(dead_message.message_id for dead_message in plan.stranded[:_MOST_PROBLEMS])
    line = f"{count(len(plan.stranded))} cannot be redriven, as nothing says where from: add --to QUEUE ({ids})."
    return [line]


def _nothing_to_move(selection: Selection, *, as_json: bool) -> None:
    if not selection.is_everything:
        raise DlqError("No message matches: `list` shows what there is.")
    if not as_json:
        result("There is nothing to redrive.")


def _routes_text(routes: Counter[Route]) -> str:
    return f"{count(routes.total())}: {routes_text(routes)}" if routes.total() else "nothing"
