"""How many connections to SQS a program may need at a time: a request has one to itself, and a long poll for long.

Where there are fewer, a delete waits until a poll has ended.
"""

from services.queueing.batcher import MAX_BATCHES_IN_FLIGHT
from services.queueing.polling import MAX_POLLS
from services.queueing.queue import SETTLING_BATCHERS

_LOOKS = 2
"""At a queue at a time: whether it is as declared, and what it holds."""


def most_connections(*, consumed: int, sent_to: int, looked_at: int) -> int:
    """Return how many requests may be under way by who consumes, sends to and looks at so many queues."""
    return (
        consumed * (MAX_POLLS + SETTLING_BATCHERS * MAX_BATCHES_IN_FLIGHT)
        + sent_to * MAX_BATCHES_IN_FLIGHT
        + looked_at * _LOOKS
    )


def connections_for_any_use(queues: int) -> int:
    """Return how many requests may be under way on so many queues, whatever is done with them."""
    return most_connections(consumed=queues, sent_to=queues, looked_at=queues)
