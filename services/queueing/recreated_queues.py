"""Queues that were made anew while somebody looked at them: a broker came back empty, or a queue was deleted.

A queue that was emptied is still the queue that was made at its `CreatedTimestamp`; one that is made anew has another.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
"""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecreatedQueue:
    """A queue that was, and what it held before. Times are seconds since the epoch."""

    queue: str
    at: float
    """When it was made, by SQS's clock."""
    held: int
    """The messages that it held at the last look before, in any state: they are gone."""
    held_at: float
    """When that look was."""


def describe(queues: Collection[RecreatedQueue]) -> str:
    """Say in one sentence that the queues, one at least, were made anew, and what they held."""
    which = f"the queue {next(iter(queues)).queue} was" if len(queues) == 1 else f"{len(queues)} queues were"
    return f"{which} made anew; {describe_what_is_gone(queues)}"


def describe_what_is_gone(queues: Collection[RecreatedQueue]) -> str:
    """Say what they held when they were last seen, most of it first."""
    full = sorted((each for each in queues if each.held), key=lambda each: -each.held)
    if not full:
        return "nothing was in there, as last seen"
    first, *others = full
    noun = "message" if first.held == 1 else "messages"
    held = [f"{first.held} {noun} in {first.queue}", *(f"{each.held} in {each.queue}" for each in others)]
    return f"what was in there is gone: {', '.join(held)}, as last seen"


def count_what_is_gone(queues: Collection[RecreatedQueue]) -> int:
    """Return how many messages they held."""
    return sum(each.held for each in queues)
