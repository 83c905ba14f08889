"""Whether a message may still be answered for: asked before its outcome is handed over, so that there is only one.

A worker that was suspended, or that SQS has not heard of for longer than the visibility timeout, has lost its message
to another worker, or to the DLQ watcher, which reports that no worker has reported back.
"""

from contextvars import ContextVar
from dataclasses import dataclass

import structlog
from botocore.exceptions import ClientError

from services.errors import RetryLaterError
from services.queueing.errors import is_missing_queue
from services.queueing.in_flight import InHand
from services.queueing.queue import Queue
from services.queueing.retrying import insistently

log = structlog.get_logger(__name__)


class NotOursError(RetryLaterError):
    """The message is not this worker's any more: what came of its work goes nowhere, and SQS has the message still."""


@dataclass(frozen=True, slots=True)
class _Held:
    in_hand: InHand
    queue: Queue


_HELD: ContextVar[_Held | None] = ContextVar("message in hand", default=None)


def hold(in_hand: InHand, queue: Queue) -> None:
    """Let the work on the message, which has its context, know whose it is."""
    in_hand.context.run(_HELD.set, _Held(in_hand, queue))


async def ensure_ours() -> None:
    """Return where the message that is being worked is this worker's, or nobody's; where none is held, all is well.

    It costs a look at the clock; only where too much time has passed SQS is asked. Raises NotOursError.
    """
    held = _HELD.get()
    if held is None or held.in_hand.is_ours or await _is_lost_by_sqs(held):
        return
    # While SQS was asked it may have been received again.
    if not held.in_hand.is_ours:
        raise NotOursError(
            f"SQS has had no sign of life of the worker for {held.in_hand.silent_seconds:.0f} seconds, and gives its"
            f" message to others after {held.in_hand.visibility_timeout_seconds:g}"
        )


async def _is_lost_by_sqs(held: _Held) -> bool:
    """Tell whether nobody else can have the message, as it went with its queue; or SQS cannot be asked for too long.

    What is in hand may then be all that is left of the task.
    """
    try:
        state = await insistently(held.queue.state)
    except ClientError as error:
        return is_missing_queue(error)
    except Exception as error:  # noqa: BLE001  # whatever it is, SQS has not answered
        log.warning("delivered although others may have the message: SQS does not answer", error=repr(error))
        return True
    return state.created_at is not None and state.created_at > held.in_hand.message.sent_at
