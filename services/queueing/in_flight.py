"""A message that a worker has received, and whether it is the worker's still."""

import math
import time
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

from services.primitives.clock import Clock, Moment, seconds_between, this_moment
from services.queueing.message import ReceivedMessage

# Longer than this behind its time no long poll takes that is not held up.
_GRACE_SECONDS = 1


@dataclass(eq=False, slots=True)
class InFlight:
    """A message that is being worked.

    SQS may deliver it once more meanwhile. Then `message` is the newer one: its receipt handle is the one that counts.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html

    It is this worker's for its visibility timeout after the last sign of life: a receive, or a heartbeat in time. Then
    SQS gives it to others, or to the DLQ, and only one more receive makes it this worker's again. A heartbeat that
    comes too late does not, whatever the answer is: AWS may refuse it (MessageNotInflight), moto hides the message,
    and LocalStack says success also of a message that another worker has by now, or that was moved to the DLQ.
    """

    message: ReceivedMessage
    visibility_timeout_seconds: float
    hidden_since: Moment
    """The last sign of life."""
    clock: Clock = this_moment
    since: float = field(default_factory=time.monotonic)
    """When it was received, by the monotonic clock."""
    context: Context = field(default_factory=copy_context)
    """In which it is worked: a line logged there names its task."""
    is_suspect: bool = False
    """Whether it was received before, and nothing is known of what became of it."""
    settling_since: float | None = None
    """Since when its attempt is over and what was decided is being carried out, by the monotonic clock."""
    is_gone: bool = False
    """Whether it was deleted or purged while it was this worker's: nobody else has it, or will."""

    @property
    def silent_seconds(self) -> float:
        """For how long SQS has had no sign of life."""
        return seconds_between(self.hidden_since, self.clock())

    @property
    def is_ours(self) -> bool:
        """Whether no other worker can have it, nor the DLQ."""
        return self.is_gone or self.silent_seconds < self.visibility_timeout_seconds

    def describe(self) -> dict[str, Any]:
        """Return, as JSON, what it is and how long it has been in flight."""
        return {
            "message_id": self.message.message_id,
            "attempt": self.message.receive_count,
            "since_seconds": time.monotonic() - self.since,
            "settling": self.settling_since is not None,
        }

    def received_again(self, message: ReceivedMessage, hidden_since: Moment) -> None:
        """Note a further delivery."""
        self.message = message
        self.hidden_since = hidden_since


def hidden_since(
    message: ReceivedMessage, asked_at: Moment, now: Moment, wait_seconds: float, visibility_timeout_seconds: float
) -> Moment:
    """Return from when on SQS has hidden a message that a long poll, asked for at `asked_at`, has brought `now`.

    That is now, unless the answer lay waiting while this process was suspended. Only one that has come late, and after
    the visibility timeout, may have lain for so long that it matters; then its date decides. Others are not judged by
    it, as that clock is another's.
    """
    if seconds_between(asked_at, now) < max(wait_seconds + _GRACE_SECONDS, visibility_timeout_seconds):
        return now
    return asked_at if now.wall - _seconds_of(message.date) >= visibility_timeout_seconds else now


def _seconds_of(date: str) -> float:
    """Read an HTTP date; one without sense is that of an answer that has not lain."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return math.inf
