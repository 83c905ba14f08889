"""A look at what is in the queues at the end of the line, for whoever shows it: a terminal, a page."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from services.dead_letters.dead_letter_queues import EndOfLine, OnLook
from services.dead_letters.dead_message import DeadLetter
from services.dead_letters.errors import InterruptionError
from services.dead_letters.selection import Criteria, has_id, the_one_meant
from services.queueing.message import ReceivedMessage
from services.queueing.queue import QueueState


@dataclass(frozen=True, slots=True)
class View:
    """What was seen of some queues."""

    states: dict[str, QueueState]
    letters: Sequence[DeadLetter]
    """Those that match."""
    is_limited: bool
    """Whether the look ended when enough were found."""
    was_interrupted: bool


async def look_at(
    end_of_line: EndOfLine,
    states: dict[str, QueueState],
    criteria: Criteria,
    most: int | None,
    on_look: OnLook = lambda _count: None,
) -> View:
    """Look for the messages that match, `most` of them at the most; all of them stay where they are."""
    now = time.time()
    letters = await end_of_line.find(states, lambda letter: criteria.match(letter, now), on_look, most)
    return View(states, letters, len(letters) == most, end_of_line.stop.is_set())


async def find_message(
    end_of_line: EndOfLine,
    states: dict[str, QueueState],
    wanted: str,
    on_look: OnLook = lambda _count: None,
) -> tuple[DeadLetter, ReceivedMessage]:
    """Return the message of that id, or whose id begins so.

    Raises NotOneMessageError where there is none or more than one, and InterruptionError.
    """
    found: dict[DeadLetter, ReceivedMessage] = {}

    def collect(letter: DeadLetter, message: ReceivedMessage) -> None:
        on_look(1)
        if has_id(letter, wanted):
            found[letter] = message

    await end_of_line.look(states, collect)
    if end_of_line.stop.is_set():
        raise InterruptionError("Interrupted: not every message was looked at; all are where they were.")
    letter = the_one_meant(found, wanted)
    return letter, found[letter]
