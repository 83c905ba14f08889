"""What a redrive is to do: decided before anything is moved, so that it can be shown and confirmed."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from services.dead_letters.dead_letter_queues import DeadLetterQueues, OnLook
from services.dead_letters.dead_message import DeadMessage
from services.dead_letters.destination import destination_of
from services.dead_letters.errors import UsageError
from services.dead_letters.move_task import moves_as_new_messages
from services.dead_letters.selection import Criteria, has_id, sole_matches
from services.queueing.queue import QueueState

Route = tuple[str, str]
"""From which queue to which."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which messages to redrive: those of some ids, those that match, or all of some queues."""

    queues: Sequence[str]
    wanted_ids: Sequence[str]
    criteria: Criteria

    @property
    def is_everything(self) -> bool:
        """Whether nothing of these queues is left out."""
        return not self.wanted_ids and not self.criteria

    def matches(self, dead_message: DeadMessage, now: float) -> bool:
        """Return whether the message matches, or may: an id can be the beginning of several."""
        if self.wanted_ids:
            return any(has_id(dead_message, wanted) for wanted in self.wanted_ids)
        return self.criteria.match(dead_message, now)


@dataclass(frozen=True, slots=True)
class Move:
    """A message, and the queue to which it goes."""

    dead_message: DeadMessage
    destination: str

    @property
    def route(self) -> Route:
        """From which queue to which."""
        return self.dead_message.queue, self.destination


@dataclass(frozen=True, slots=True)
class QueueMove:
    """A DLQ that SQS itself empties into another queue."""

    source: str
    destination: str
    messages: int
    """About how many there are."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The messages to move one by one, the queues that SQS moves, and what nobody knows where to move."""

    states: dict[str, QueueState]
    moves: Sequence[Move]
    queue_moves: Sequence[QueueMove]
    stranded: Sequence[DeadMessage]
    unclear: Sequence[str] = ()
    """Why some of several ids are not those of one message each."""

    @property
    def routes(self) -> Counter[Route]:
        """How many messages go from which queue to which; of those that SQS moves, about how many."""
        routes = Counter(move.route for move in self.moves)
        routes.update({(move.source, move.destination): move.messages for move in self.queue_moves})
        return routes


def select(target: str | None, names: Sequence[str], criteria: Criteria, *, take_all: bool) -> Selection:
    """Read what to redrive; `target` is one of the queues `names`, or an id.

    Raises UsageError where that says nothing, or two things at once.
    """
    if criteria and take_all:
        raise UsageError("--all takes every message: leave it out, or --reason, --task-type and --older-than.")
    if target is not None and target not in names:
        if criteria or take_all:
            raise UsageError(f"There is no queue {target} to redrive from: there are {', '.join(names)}.")
        return Selection(names, [target], criteria)
    if not criteria and not take_all:
        raise UsageError("Say what to redrive: an id, or --reason, --task-type or --older-than, or --all.")
    return Selection([target] if target else names, [], criteria)


async def make_plan(
    dead_letter_queues: DeadLetterQueues,
    selection: Selection,
    to: str | None,
    on_look: OnLook = lambda _count: None,
    *,
    one_by_one: bool = False,
) -> Plan:
    """Find the messages that match, and where each goes: to the queue `to`, or else where it came from.

    What SQS can move as a whole is not looked at, unless all is to be moved, or shown, one by one.
    Raises NotOneMessageError where no id is that of one message.
    """
    states = await dead_letter_queues.states(selection.queues)
    by_sqs = [] if one_by_one else _movable_by_sqs(dead_letter_queues, selection)
    looked_at = {name: state for name, state in states.items() if name not in by_sqs}
    now = time.time()
    dead_messages = await dead_letter_queues.find(
        looked_at, lambda dead_message: selection.matches(dead_message, now), on_look
    )
    unclear: Sequence[str] = ()
    if selection.wanted_ids and not dead_letter_queues.stop.is_set():
        dead_messages, unclear = sole_matches(dead_messages, selection.wanted_ids)
    destinations = [
        (dead_message, to or destination_of(dead_message, dead_letter_queues.definitions))
        for dead_message in dead_messages
    ]
    return Plan(
        states,
        moves=[Move(dead_message, destination) for dead_message, destination in destinations if destination],
        queue_moves=[
            QueueMove(name, to or dead_letter_queues.definitions[name].source_queue or "", states[name].messages)
            for name in by_sqs
        ],
        stranded=[dead_message for dead_message, destination in destinations if not destination],
        unclear=unclear,
    )


def _movable_by_sqs(dead_letter_queues: DeadLetterQueues, selection: Selection) -> list[str]:
    if not selection.is_everything or not moves_as_new_messages(dead_letter_queues.client.meta.endpoint_url):
        return []
    return [name for name in selection.queues if dead_letter_queues.definitions[name].source_queue]
