"""What to do after an attempt: decided here, carried out by who received the message."""

import math
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from services.errors import PermanentError, RetryLaterError, is_sentence, reason_of
from services.primitives.sqs_limits import LONGEST_VISIBILITY_TIMEOUT_SECONDS
from services.queueing.attempt_history import describe_attempts
from services.queueing.timing import jittered

# SQS counts the 12 hours from the receive, so a wait must leave room for the attempt before it.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
LONGEST_RETRY_SECONDS = LONGEST_VISIBILITY_TIMEOUT_SECONDS - 600


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The message is done: delete it."""


@dataclass(frozen=True, slots=True)
class Retry:
    """The message returns to its queue after `after_seconds`."""

    after_seconds: int
    reason: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """The message goes to the dead-letter queue with its reason."""

    reason: str
    """Why each attempt failed, as far as that is known."""
    attempts: int
    trace: str = field(default="", compare=False)
    """The stack trace of the last attempt; empty where the reason is a sentence of our own."""


@dataclass(frozen=True, slots=True)
class Drop:
    """The message is not this worker's any more: SQS has it for others, so nothing is to be done about it."""

    reason: str


Decision = Acknowledge | Retry | DeadLetter | Drop


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a message is tried, and how long it waits in between."""

    max_attempts: int | None
    """None: it is tried until it succeeds or is refused for good."""
    waits_seconds: tuple[float, ...]
    """The wait after attempt n is the n-th; the last one repeats."""

    @classmethod
    def exponential(
        cls, max_attempts: int | None, first_seconds: float, longest_seconds: float = 3600
    ) -> "RetryPolicy":
        """Double the wait with each attempt, up to `longest_seconds`."""
        steps = (max_attempts or 16) - 1
        waits = (min(first_seconds * 2.0**step, longest_seconds) for step in range(max(steps, 1)))
        return cls(max_attempts, tuple(waits))

    def at_most(self, attempts: int | None) -> "RetryPolicy":
        """Return the policy with no more attempts than these; None: as many as it has."""
        if attempts is None or (self.max_attempts is not None and self.max_attempts <= attempts):
            return self
        return replace(self, max_attempts=attempts)

    def wait_after(self, attempt: int) -> float:
        """Return the wait in seconds after the attempt (1 is the first)."""
        return self.waits_seconds[min(attempt, len(self.waits_seconds)) - 1]


def decide_after_failure(
    error: BaseException, attempt: int, policy: RetryPolicy, chance: float, earlier: Mapping[int, str]
) -> Retry | DeadLetter:
    """Decide what becomes of a message whose attempt (1 is the first) raised the error.

    `chance`, from 0 to 1, places the wait within its jitter; `earlier` has the known reasons of earlier attempts.
    """
    reason = reason_of(error)
    permanent = isinstance(error, PermanentError)
    if permanent or (policy.max_attempts is not None and attempt >= policy.max_attempts):
        attempts = error.attempts if isinstance(error, PermanentError) else None
        reasons = describe_attempts({**earlier, attempt: reason}, attempt)
        return DeadLetter(reasons, attempts or attempt, _trace(error))
    asked = error.after_seconds if isinstance(error, RetryLaterError) else None
    wait = max(jittered(policy.wait_after(attempt), chance), asked or 0)
    return Retry(min(math.ceil(wait), LONGEST_RETRY_SECONDS), reason)


def _trace(error: BaseException) -> str:
    return "" if is_sentence(error) else "".join(traceback.format_exception(error))
