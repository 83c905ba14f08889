"""When a consumer polls its queue, and for how many messages: decided here, apart from the polling itself.

SQS bills by the request, so a poll waits, though not for long, until it can bring home a batch.
"""

from services.primitives.sqs_limits import MAX_RECEIVED_MESSAGES

MAX_POLLS = 3
"""Polls under way at a time, where a queue has more than one of them brings: a receive takes its time on the way."""

ROOM_WAIT_SECONDS = 0.1
"""How long a free slot stays empty for the sake of a fuller batch."""

GATHER_SECONDS = 0.02
"""The rest after a receive while messages come faster than one in that time, though no batch at once: as many come
meanwhile, for one request more. A message that comes alone finds a poll waiting for it."""

# At most this part of the slots stays empty for it.
_SPARE_PART = 5


def rest_after(messages: int, most: int, seconds: float) -> float:
    """Return the rest after a receive that brought so many messages of `most`, `seconds` behind the one before it."""
    return GATHER_SECONDS if messages < most and seconds <= messages * GATHER_SECONDS else 0.0


def messages_to_receive(  # noqa: PLR0913  # what it depends on
    free: int, slots: int, polls: int, most: int = MAX_RECEIVED_MESSAGES, *, is_backlog: bool, has_waited: bool
) -> int:
    """Return how many messages the next receive may bring, 0 where it is not its time yet.

    `free` of the `slots` are neither taken nor spoken for by one of the `polls` under way. It may bring `most`; where
    that is less than a batch, no other is under way beside it. `is_backlog`: the last receive brought all that it asked
    for; `has_waited`: a slot has been free for `ROOM_WAIT_SECONDS`.
    """
    if polls:
        has_room = polls < MAX_POLLS and min(free, most) >= MAX_RECEIVED_MESSAGES
        return MAX_RECEIVED_MESSAGES if is_backlog and has_room else 0
    enough = min(MAX_RECEIVED_MESSAGES, max(1, slots // _SPARE_PART))
    return min(free, most) if free >= enough or has_waited else 0
