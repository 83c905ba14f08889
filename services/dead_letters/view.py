"""A look at what is in the dead-letter queues, for whoever shows it: a terminal, a page."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from services.dead_letters.dead_letter_queues import DeadLetterQueues, OnLook
from services.dead_letters.dead_message import DeadMessage
from services.dead_letters.errors import InterruptionError
from services.dead_letters.selection import Criteria, has_id, sole_match
from services.queueing.message import ReceivedMessage
from services.queueing.queue import QueueState


@dataclass(frozen=True, slots=True)
class View:
    """What was seen of some queues."""

    states: dict[str, QueueState]
    dead_messages: Sequence[DeadMessage]
    """Those that match."""
    is_limited: bool
    """Whether the look ended when enough were found."""
    was_interrupted: bool


async def look_at(
    dead_letter_queues: DeadLetterQueues,
    states: dict[str, QueueState],
    criteria: Criteria,
    most: int | None,
    on_look: OnLook = lambda _count: None,
) -> View:
    """Look for the messages that match, `most` of them at the most; all of them stay where they are."""
    now = time.time()
    dead_messages = await dead_letter_queues.find(
        states, lambda dead_message: criteria.match(dead_message, now), on_look, most
    )
    return View(states, dead_messages, len(dead_messages) == most, dead_letter_queues.stop.is_set())


async def find_message(
    dead_letter_queues: DeadLetterQueues,
    states: dict[str, QueueState],
    wanted: str,
    on_look: OnLook = lambda _count: None,
) -> tuple[DeadMessage, ReceivedMessage]:
    """Return the message of that id, or whose id begins so.

    Raises NotOneMessageError where there is none or more than one, and InterruptionError.
    """
    found: dict[DeadMessage, ReceivedMessage] = {}

    def collect(dead_message: DeadMessage, message: ReceivedMessage) -> None:
        on_look(1)
        if has_id(dead_message, wanted):
            found[dead_message] = message

    await dead_letter_queues.look(states, collect)
    if dead_letter_queues.stop.is_set():
        raise InterruptionError("Interrupted: not every message was looked at; all are where they were.")
    dead_message = sole_match(found, wanted)
    return dead_message, found[dead_message]
