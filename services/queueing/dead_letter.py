"""Why a message is dead: written beside it by its last consumer, and read from what that, or SQS, left on it."""

from dataclasses import dataclass, replace

from services.primitives.counts import read_count
from services.primitives.sqs_limits import attribute_text
from services.queueing.message import (
    DELAYED_UNTIL_ATTRIBUTE,
    RECEIVES_BEFORE_ATTRIBUTE,
    SENT_AT_ATTRIBUTE,
    ReceivedMessage,
)
from services.telemetry.redaction import without_secrets

REASON_ATTRIBUTE = "reason"
ATTEMPTS_ATTRIBUTE = "attempts"
TRACE_ATTRIBUTE = "trace"
"""The end of the last attempt's stack trace, for the log, the alert and the one who redrives; never for a callback."""
SOURCE_QUEUE_ATTRIBUTE = "source_queue"
"""The queue to which a redrive returns the message."""

FAILURE_ATTRIBUTES = frozenset(
    {
        REASON_ATTRIBUTE,
        ATTEMPTS_ATTRIBUTE,
        TRACE_ATTRIBUTE,
        SOURCE_QUEUE_ATTRIBUTE,
        SENT_AT_ATTRIBUTE,
        RECEIVES_BEFORE_ATTRIBUTE,
        DELAYED_UNTIL_ATTRIBUTE,
    }
)
"""They describe a failure that the next one replaces, and a redrive leaves behind; or the wait before it."""

MAX_REASON_BYTES = 2000
MAX_TRACE_BYTES = 4000

_NOBODY_REPORTED = (
    "no worker reported back: whether it was begun is not known"
    " (a worker may have been killed or suspended, its broker silent, or something else have received it)"
)


@dataclass(frozen=True, slots=True)
class Failure:
    """The reason of a dead message, and how many attempts were made."""

    reason: str
    attempts: int
    """Where nobody reported back, how often it was received."""
    trace: str | None = None
    """The end of the last attempt's stack trace, where there was one: for people, never for a callback."""
    is_reported: bool = True
    """Whether a worker has said why; else it is not known whether the attempts were made."""

    @property
    def details(self) -> str:
        """The sentence that the callback carries."""
        if not self.is_reported:
            return f"{self.reason} (failed for good)"
        attempts = "1 attempt" if self.attempts == 1 else f"{self.attempts} attempts"
        return f"{self.reason} (failed for good after {attempts})"

    @property
    def attempts_known(self) -> str:
        """The number of attempts, for a person."""
        return str(self.attempts) if self.is_reported else "not known"

    def with_reason(self, reason: str) -> "Failure":
        """Add a reason, unless it is the one that is known already."""
        return self if reason in self.reason else replace(self, reason=f"{self.reason}; {reason}")


def read_failure(message: ReceivedMessage, max_attempts: int) -> Failure:
    """Read the failure of a dead message whose queue allows `max_attempts`.

    A worker that gives up says why. Where SQS moved the message by its redrive policy, it had been received as often as
    its queue allows, and nobody settled it: what a redriven message says is of an earlier time.
    """
    reason = message.attributes.get(REASON_ATTRIBUTE)
    if reason is None or message.dead_letter_source_arn is not None:
        times = "once" if max_attempts == 1 else f"{max_attempts} times"
        return Failure(f"received {times}, and {_NOBODY_REPORTED}", max_attempts, is_reported=False)
    attempts = read_count(message.attributes.get(ATTEMPTS_ATTRIBUTE, ""))
    return Failure(
        reason,
        max_attempts if attempts is None else attempts,
        message.attributes.get(TRACE_ATTRIBUTE),
    )


def dead_letter_attributes(reason: str, attempts: int, source_queue: str, trace: str = "") -> dict[str, str]:
    """Return what goes beside a message to its dead-letter queue: why, after how many attempts, and from where."""
    attributes = {
        REASON_ATTRIBUTE: attribute_text(without_secrets(reason), MAX_REASON_BYTES),
        ATTEMPTS_ATTRIBUTE: str(attempts),
        SOURCE_QUEUE_ATTRIBUTE: source_queue,
    }
    if trace:
        # Its last lines are those that say what happened.
        attributes[TRACE_ATTRIBUTE] = attribute_text(without_secrets(trace)[-MAX_TRACE_BYTES:], MAX_TRACE_BYTES)
    return attributes
