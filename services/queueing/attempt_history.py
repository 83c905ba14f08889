"""What is known of a message's failed attempts: SQS counts them, and says nothing of why they failed."""

from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter

from services.primitives.bounded import BoundedMap

_MOST_ATTEMPTS = 20

NOT_KNOWN = "not known here, as another worker failed at it, or nobody reported back"


class AttemptHistory:
    """Remembers why the attempts of this process failed, for the last 10 000 messages and 20 attempts of each.

    A message that is retried is never sent anew, so that its receive count stands, and a message in a queue cannot be
    written on: the memory of the worker is the only place for the reason of an attempt that is not the last.
    """

    def __init__(self) -> None:
        self._reasons: BoundedMap[str, dict[int, str]] = BoundedMap()

    def note(self, message_id: str, attempt: int, reason: str) -> None:
        """Remember why the attempt (1 is the first) failed."""
        reasons = self._reasons[message_id] = {**self.of(message_id), attempt: reason}
        if len(reasons) > _MOST_ATTEMPTS:
            del reasons[min(reasons)]

    def of(self, message_id: str) -> Mapping[int, str]:
        """Return the reasons that are known, by attempt."""
        return self._reasons.get(message_id, {})

    def forget(self, message_id: str) -> None:
        """Drop what is known of a message that is settled."""
        self._reasons.pop(message_id, None)


def describe_attempts(reasons: Mapping[int, str], attempts: int) -> str:
    """Say why each of the attempts failed, the last one first, so that what is cut off at the end is the oldest."""
    oldest = max(1, attempts - _MOST_ATTEMPTS + 1)
    known = ((attempt, reasons.get(attempt, NOT_KNOWN)) for attempt in range(attempts, oldest - 1, -1))
    runs = [(reason, [attempt for attempt, _ in run]) for reason, run in groupby(known, key=itemgetter(1))]
    if len(runs) == 1:
        return reasons[attempts]
    return "; ".join(f"{_named(numbers)}: {reason}" for reason, numbers in runs)


def _named(attempts: list[int]) -> str:
    last, first = attempts[0], attempts[-1]
    return f"attempt {last}" if first == last else f"attempts {first} to {last}"
