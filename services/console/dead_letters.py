"""The dead-letter queues as the console has them: a look at the dead messages, and their redrive, one at a time."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from services.dead_letters import as_json
from services.dead_letters.dead_letter_queues import DeadLetterQueues, dead_letter_queue_names
from services.dead_letters.destination import destination_of
from services.dead_letters.errors import BROKER_ERRORS, DlqError, InterruptionError, UsageError, of_broker
from services.dead_letters.in_words import count, routes_text
from services.dead_letters.plan import Plan, Route, Selection, make_plan
from services.dead_letters.redrive import Moved, redrive
from services.dead_letters.selection import Criteria
from services.dead_letters.view import find_message, look_at

log = structlog.get_logger(__name__)

_MOST_PROBLEMS = 20


class BusyError(DlqError):
    """A redrive is under way, and what it has in flight cannot be seen or moved by anybody else."""


@dataclass(frozen=True, slots=True)
class Redriven:
    """What a redrive has moved, or would move."""

    routes: Counter[Route]
    problems: Sequence[str]
    is_dry_run: bool

    def as_json(self) -> dict[str, Any]:
        """Return it for the page."""
        return as_json.redrive_json(self.routes, shortened(self.problems), dry_run=self.is_dry_run)


class DeadLetters:
    """Looks and redrives, one after the other: SQS has no peek, so each hides what it looks at from all others."""

    def __init__(self, dead_letter_queues: DeadLetterQueues) -> None:
        self._dead_letter_queues = dead_letter_queues
        self._turn = asyncio.Lock()
        self._is_redriving = False

    @property
    def names(self) -> Sequence[str]:
        """The names of the DLQs, and of `undelivered`."""
        return dead_letter_queue_names(self._dead_letter_queues.definitions)

    async def browse(self, queue: str | None, criteria: Criteria, most: int) -> dict[str, Any]:
        """Return what `list --json` prints, `most` messages at the most. Raises what SQS raises, and DlqError."""
        async with self._look():
            states = await self._dead_letter_queues.states(names_of(queue, self.names))
            view = await look_at(self._dead_letter_queues, states, criteria, most)
        return as_json.view_json(view, self._dead_letter_queues.definitions, time.time())

    async def show(self, wanted: str) -> dict[str, Any]:
        """Return what `show --json` prints. Raises what SQS raises, and DlqError."""
        async with self._look():
            dead_message, message = await find_message(
                self._dead_letter_queues, await self._dead_letter_queues.states(self.names), wanted
            )
        redrives_to = destination_of(dead_message, self._dead_letter_queues.definitions)
        return as_json.details_json(dead_message, message, redrives_to, time.time())

    async def plan(self, selection: Selection) -> Redriven:
        """Return what a redrive would move; everything stays where it is."""
        async with self._look():
            plan = await self._make_plan(selection, one_by_one=True)
        return Redriven(plan.routes, problems_of(plan, selection), is_dry_run=True)

    async def redrive(self, selection: Selection) -> Redriven:
        """Return messages to where they came from.

        Raises BusyError beside another redrive, and otherwise, where nothing was moved, what SQS raises, and DlqError.
        """
        self._refuse_beside_a_redrive()
        self._is_redriving = True
        try:
            async with self._turn:
                plan = await self._make_plan(selection)
                moved = await self._carry_out(plan)
        finally:
            self._is_redriving = False
        log.info("redriven", routes=routes_text(moved.routes), problems=len(moved.problems))
        return Redriven(moved.routes, [*problems_of(plan, selection), *moved.problems], is_dry_run=False)

    async def _make_plan(self, selection: Selection, *, one_by_one: bool = False) -> Plan:
        plan = await make_plan(self._dead_letter_queues, selection, None, one_by_one=one_by_one)
        if self._dead_letter_queues.stop.is_set():
            raise InterruptionError("The console is stopping: nothing was moved.")
        return plan

    async def _carry_out(self, plan: Plan) -> Moved:
        """Move what is planned; what ends that is an error where nothing was moved, else a problem."""
        moved = Moved()
        try:
            await redrive(self._dead_letter_queues, plan, moved)
        except (*BROKER_ERRORS, DlqError) as error:
            if not moved.routes.total():
                raise
            reason = error if isinstance(error, DlqError) else of_broker(error)
            moved.problems.append(f"What was not moved is where it was: {reason}")
        if self._dead_letter_queues.stop.is_set():
            moved.problems.append("The console is stopping: what was not moved is where it was.")
        return moved

    @asynccontextmanager
    async def _look(self) -> AsyncIterator[None]:
        self._refuse_beside_a_redrive()
        async with self._turn:
            yield

    def _refuse_beside_a_redrive(self) -> None:
        if self._is_redriving:
            raise BusyError("A redrive is under way: look again when it has ended.")


def names_of(queue: str | None, names: Sequence[str]) -> Sequence[str]:
    """Return the queue's name, or all names where none is given. Raises UsageError."""
    if queue is None:
        return names
    if queue not in names:
        raise UsageError(f"There is no queue {queue} that holds dead messages: there are {', '.join(names)}.")
    return [queue]


def selection_of(names: Sequence[str], ids: Sequence[str], criteria: Criteria, *, take_all: bool) -> Selection:
    """Read what a redrive is to take of the queues `names`.

    Raises UsageError where that says nothing, or two things at once.
    """
    choices = [bool(ids), take_all, bool(criteria)]
    if sum(choices) != 1:
        raise UsageError('Say what to redrive by one of these: "ids", "all", or "reason" and "task_type".')
    return Selection(names, ids, criteria)


def problems_of(plan: Plan, selection: Selection) -> list[str]:
    """Say what of the selection the plan does not move."""
    problems = list(plan.unclear)
    if plan.stranded:
        ids = ", ".join(shortened([dead_message.message_id for dead_message in plan.stranded]))
        problems.append(
            f"{count(len(plan.stranded))} cannot be redriven here, as nothing says where from:"
            f' make dlq ARGS="redrive ID --to QUEUE" does it ({ids}).'
        )
    if not plan.routes and not problems and not selection.is_everything:
        problems.append("No message matches any more.")
    return problems


def shortened(lines: Sequence[str]) -> list[str]:
    """Return the first of the lines, and how many more there are."""
    more = len(lines) - _MOST_PROBLEMS
    return [*lines[:_MOST_PROBLEMS], f"… and {more:,} more"] if more > 0 else list(lines)
