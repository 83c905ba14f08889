"""Whether a message is still this worker's: asked before its outcome is delivered or queued, so that there is only one.

A worker that was suspended, or that SQS has not heard of for longer than the visibility timeout, has lost its message
to another worker, or to the DLQ watcher, which reports that no worker has reported back.
"""

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass

import structlog
from botocore.exceptions import ClientError

from services.errors import RetryLaterError
from services.queueing.errors import is_missing_queue
from services.queueing.in_flight import InFlight
from services.queueing.queue import Queue
from services.queueing.retrying import SQS_RETRY_WAITS_SECONDS, retry_sqs

log = structlog.get_logger(__name__)


class NotOursError(RetryLaterError):
    """The message is not this worker's any more: what came of its work goes nowhere, and SQS has the message still."""


@dataclass(frozen=True, slots=True)
class _Owned:
    in_flight: InFlight
    queue: Queue
    retry_waits_seconds: Sequence[float]


_OWNED: ContextVar[_Owned | None] = ContextVar("message in flight", default=None)


def take_ownership(
    in_flight: InFlight, queue: Queue, retry_waits_seconds: Sequence[float] = SQS_RETRY_WAITS_SECONDS
) -> None:
    """Let the work on the message, which has its context, know whose it is."""
    in_flight.context.run(_OWNED.set, _Owned(in_flight, queue, retry_waits_seconds))


def end_ownership() -> None:
    """Let this context forget its message, which has the context: what refers to itself waits for the collector."""
    _OWNED.set(None)


async def ensure_ours() -> None:
    """Return where the message that is being worked is this worker's, or nobody's; where there is none, all is well.

    It costs a look at the clock; only where too much time has passed SQS is asked. Raises NotOursError.
    """
    owned = _OWNED.get()
    if owned is None or owned.in_flight.is_ours or await _is_lost_by_sqs(owned):
        return
    # While SQS was asked it may have been received again.
    if not owned.in_flight.is_ours:
        raise NotOursError(
            f"SQS has had no sign of life of the worker for {owned.in_flight.silent_seconds:.0f} seconds, and gives its"
            f" message to others after {owned.in_flight.visibility_timeout_seconds:g}"
        )


async def _is_lost_by_sqs(owned: _Owned) -> bool:
    """Return whether nobody else can have the message, as it went with its queue; or whether it did cannot be known.

    What is in flight may then be all that is left of the task. Who may not ask takes the queue for the one that it was.
    """
    try:
        created_at = await retry_sqs(owned.queue.created_at, owned.retry_waits_seconds)
    except ClientError as error:
        return is_missing_queue(error)
    except Exception as error:  # noqa: BLE001  # whatever it is, SQS has not answered, or not what it was asked
        log.warning("delivered although others may have the message: whether they do is not known", error=repr(error))
        return True
    return created_at is not None and created_at > owned.in_flight.message.sent_at
