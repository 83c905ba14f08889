"""In which order the messages of one batch are begun, so that what kills the process takes no other along.

SQS counts a receive of each message of a batch, whichever of them was to blame: what was received before, and of which
nobody knows why it came back, may be what killed the last process, or its neighbour.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.queueing.message import ReceivedMessage


@dataclass(frozen=True, slots=True)
class BatchOrder:
    """What becomes of the messages of a batch."""

    rounds: Sequence[Sequence[ReceivedMessage]]
    """One after the other; the messages of a round are begun at a time."""
    given_back: Sequence[ReceivedMessage] = ()
    """Those that are not begun now: beside another one they could be lost for good."""


def order_of(
    messages: Sequence[ReceivedMessage],
    is_suspect: Callable[[ReceivedMessage], bool],
    is_last: Callable[[ReceivedMessage], bool],
) -> BatchOrder:
    """Begin a suspect on its last attempt alone and first, all that are none together, and the suspects one by one.

    Of several suspects on their last attempt one is begun, and the others are given back: each has its turn.
    """
    suspects = [message for message in messages if is_suspect(message)]
    last = [message for message in suspects if is_last(message)]
    together = [message for message in messages if message not in suspects]
    one_by_one = [message for message in suspects if message not in last]
    rounds = [last[:1], together, *([message] for message in one_by_one)]
    return BatchOrder([each for each in rounds if each], last[1:])
