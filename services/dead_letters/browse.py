"""One pass over a queue that changes nothing in it: SQS has no peek, so every message is received and given back."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

import structlog

from services.primitives.sqs_limits import LONGEST_VISIBILITY_TIMEOUT_SECONDS, MAX_RECEIVED_MESSAGES
from services.queueing.message import ReceivedMessage, UnreadableMessageError
from services.queueing.queue import Queue

log = structlog.get_logger(__name__)

Visit = Callable[[ReceivedMessage], Awaitable[bool]]
"""Looks at a message; whether it has taken it out of the queue, so that it is not to be given back."""

ResultT = TypeVar("ResultT")

# With a long poll SQS asks all its servers, not some of them: an empty answer means something.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
LONG_POLL_SECONDS = 1

_SHORTEST_HIDING_SECONDS = 60
_SLOWEST_MESSAGES_PER_SECOND = 20


def hiding_seconds(messages: int) -> int:
    """Return for how long a walk over so many messages hides each: longer than it takes, on a slow line too.

    A walk that is killed leaves them hidden for the rest of this time.
    """
    seconds = _SHORTEST_HIDING_SECONDS + messages // _SLOWEST_MESSAGES_PER_SECOND
    return min(seconds, LONGEST_VISIBILITY_TIMEOUT_SECONDS)


class Walked(NamedTuple):
    """How many messages a walk met, and how many of them it gave back."""

    visited: int
    given_back: int


async def walk(queue: Queue, messages: int, visit: Visit, is_done: Callable[[], bool]) -> Walked:
    """Visit each message of the queue once, up to 10 at a time, until `is_done` or there are no more.

    `messages` is how many there should be. What nobody took out is given back at the end, whatever ends it; what cannot
    be read too, which is not visited but counts as met.
    Raises botocore's errors, and what `visit` raises.
    """
    held: dict[str, str] = {}
    visited: set[str] = set()

    def hold_unreadable(errors: Sequence[UnreadableMessageError]) -> None:
        for error in errors:
            key = error.message_id or error.receipt_handle
            visited.add(key)
            held[key] = error.receipt_handle

    fruitless = 0
    try:
        # SQS may answer empty-handed while there are messages: it is believed at once only where none is missing.
        while not is_done() and fruitless < (1 if len(visited) >= messages else 2):
            known = len(visited)
            received = await queue.receive(
                MAX_RECEIVED_MESSAGES,
                wait_seconds=LONG_POLL_SECONDS,
                visibility_timeout_seconds=hiding_seconds(messages),
                on_unreadable=hold_unreadable,
            )
            # One that came again has a new handle.
            held |= {each.message_id: each.receipt_handle for each in received}
            new = {each.message_id: each for each in received if each.message_id not in visited}
            visited |= new.keys()
            fruitless = 0 if len(visited) > known else fruitless + 1
            await all_of(_visit(message, visit, held) for message in new.values())
    finally:
        await _give_back(queue, filter(None, held.values()))
    return Walked(len(visited), len(held))


async def all_of(calls: Iterable[Awaitable[ResultT]]) -> list[ResultT]:
    """Wait for all of the calls, and only then raise the first error: none is left running behind the caller's back."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]


async def _visit(message: ReceivedMessage, visit: Visit, held: dict[str, str]) -> None:
    if await visit(message):
        del held[message.message_id]


async def _give_back(queue: Queue, handles: Iterable[str]) -> None:
    results = await asyncio.gather(*map(queue.give_back, handles), return_exceptions=True)
    # One that is not in flight is visible already.
    errors = [error for error in results if error is not None and "MessageNotInflight" not in str(error)]
    if errors:
        log.warning(
            "not given back: they show up again by themselves, after the time for which they were hidden",
            queue=queue.name,
            messages=len(errors),
            error=str(errors[0]),
        )
