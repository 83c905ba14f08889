"""Why a message is dead: read from what its last consumer, or SQS, left on it."""

from dataclasses import dataclass, replace

from services.messages import ATTEMPTS_ATTRIBUTE, REASON_ATTRIBUTE, TRACE_ATTRIBUTE
from services.sqs import ReceivedMessage

_WORKER_LOST = "the worker was lost in mid-task (killed, out of memory, or its machine gone)"


@dataclass(frozen=True, slots=True)
class Failure:
    """The reason of a dead message, and how many attempts were made."""

    reason: str
    attempts: int
    trace: str | None = None
    """The end of the last attempt's stack trace, where there was one: for people, never for a callback."""

    @property
    def details(self) -> str:
        """The sentence that the callback carries."""
        attempts = "1 attempt" if self.attempts == 1 else f"{self.attempts} attempts"
        return f"{self.reason} (failed for good after {attempts})"

    def with_reason(self, reason: str) -> "Failure":
        """Add a reason, unless it is the one that is known already."""
        return self if reason in self.reason else replace(self, reason=f"{self.reason}; {reason}")


def read_failure(message: ReceivedMessage, max_attempts: int) -> Failure:
    """Read the failure of a dead message whose queue allows `max_attempts`.

    A worker that gives up says why. Where SQS moved the message by its redrive policy, the queue's attempts were used
    up and the last worker ended before it could say anything: what a redriven message says is of an earlier time.
    """
    reason = message.attributes.get(REASON_ATTRIBUTE)
    if reason is None or message.dead_letter_source_arn is not None:
        return Failure(_WORKER_LOST, max_attempts)
    attempts = message.attributes.get(ATTEMPTS_ATTRIBUTE, "")
    return Failure(
        reason,
        int(attempts) if attempts.isdecimal() else max_attempts,
        message.attributes.get(TRACE_ATTRIBUTE),
    )
