"""The queues as the console shows them: what each holds, how old its oldest message is, and the last minutes."""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.dlq.errors import BROKER_ERRORS, of_broker
from services.queues import QueueDefinition
from services.sqs import Queue, QueueState

MOST_POINTS = 150

_ANSWER_SECONDS = 3


async def state_of(queue: Queue) -> QueueState | str:
    """Return what the queue holds, or why it does not answer."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await queue.state()
    except TimeoutError:
        return f"SQS does not answer within {_ANSWER_SECONDS} seconds"
    except BROKER_ERRORS as error:
        return str(of_broker(error))


@dataclass(frozen=True, slots=True)
class Age:
    """How old the oldest message is."""

    seconds: float | None
    is_at_least: bool = False
    """Whether that is only known to be so or more."""


def age_of_oldest(
    waiting: int, now: float, *, newest_received_sent_at: float | None, last_empty_at: float | None, watched_since: float
) -> Age:
    """Tell the age of a queue's oldest message; times are seconds since the epoch.

    SQS tells it through CloudWatch alone, and to receive the message would change it. What waits was sent after the
    newest message that a consumer received, and after the queue was last seen empty. Where neither has been, it may
    have waited since before anybody looked.
    """
    if not waiting:
        return Age(None)
    known = [at for at in (newest_received_sent_at, last_empty_at) if at]
    since = max(known, default=watched_since)
    return Age(max(0.0, now - since), is_at_least=not known)


@dataclass(slots=True)
class QueueRow:
    """One queue, sample after sample."""

    definition: QueueDefinition
    _watched_since: float | None = None
    _last_empty_at: float | None = None
    _state: QueueState | None = None
    _error: str | None = None
    _age: Age = Age(None)
    _history: deque[tuple[int | None, int | None]] = field(default_factory=lambda: deque(maxlen=MOST_POINTS))

    def note(self, answer: QueueState | str, now: float, told: Mapping[str, float]) -> None:
        """Take what the queue answered, and the times that the services' metrics tell of it."""
        if isinstance(answer, str):
            self._state, self._error, self._age = None, answer, Age(None)
            self._history.append((None, None))
            return
        self._state, self._error = answer, None
        self._watched_since = self._watched_since or now
        if not answer.messages:
            self._last_empty_at = now
        self._age = age_of_oldest(
            answer.messages,
            now,
            newest_received_sent_at=told.get("received"),
            last_empty_at=max(filter(None, (self._last_empty_at, told.get("empty"))), default=None),
            watched_since=self._watched_since,
        )
        self._history.append((answer.messages, answer.in_flight))

    def as_json(self) -> dict[str, Any]:
        """Return the row."""
        definition, state = self.definition, self._state
        return {
            "name": definition.name,
            "consumer": definition.consumer,
            "kind": kind_of(definition),
            "dead_letter_queue": definition.dead_letter_queue,
            "source_queue": definition.source_queue,
            "max_attempts": definition.max_attempts,
            "error": self._error,
            "waiting": state.messages if state else None,
            "in_flight": state.in_flight if state else None,
            "delayed": 0 if state else None,
            "oldest_seconds": None if self._age.seconds is None else round(self._age.seconds, 1),
            "oldest_is_at_least": self._age.is_at_least,
            "history": {
                "waiting": [waiting for waiting, _in_flight in self._history],
                "in_flight": [in_flight for _waiting, in_flight in self._history],
            },
        }


def kind_of(definition: QueueDefinition) -> str:
    """Tell whether it is worked from, holds another queue's dead letters, or is for something else."""
    if definition.source_queue:
        return "dlq"
    return "source" if definition.consumer == "worker" else "other"
