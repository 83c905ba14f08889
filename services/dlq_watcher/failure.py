"""Why a message is dead: read from what its last consumer, or SQS, left on it."""

from dataclasses import dataclass

from services.messages import ATTEMPTS_ATTRIBUTE, REASON_ATTRIBUTE
from services.sqs import ReceivedMessage


@dataclass(frozen=True, slots=True)
class Failure:
    """The reason of a dead message, and how many attempts were made."""

    reason: str
    attempts: int

    @property
    def details(self) -> str:
        """The sentence that the callback and the alert carry."""
        attempts = "1 attempt" if self.attempts == 1 else f"{self.attempts} attempts"
        return f"{self.reason} (failed for good after {attempts})"

    def with_reason(self, reason: str) -> "Failure":
        """Add a reason, unless it is the one that is known already."""
        return self if reason in self.reason else Failure(f"{self.reason}; {reason}", self.attempts)


def read_failure(message: ReceivedMessage, max_attempts: int) -> Failure:
    """Read the failure of a dead message whose queue allows `max_attempts`.

    A worker that gives up says why. Where nobody did, SQS moved the message by its redrive policy: the queue's attempts
    were used up and the last worker ended before it could say anything.
    """
    reason = message.attributes.get(REASON_ATTRIBUTE)
    if reason is None:
        return Failure("the worker was lost in mid-task (killed, out of memory, or its machine gone)", max_attempts)
    attempts = message.attributes.get(ATTEMPTS_ATTRIBUTE, "")
    return Failure(reason, int(attempts) if attempts.isdecimal() else max_attempts)
