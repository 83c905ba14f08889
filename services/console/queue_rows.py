"""The queues as the console shows them: what each holds, how old its oldest message is, and the last minutes."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.exceptions import ClientError

from services.console.metrics_text import Readings, matching
from services.dead_letters.errors import of_broker
from services.queueing.definition import QueueDefinition
from services.queueing.errors import is_missing_queue
from services.queueing.samples import OldestMessage, QueueSample, oldest_message

MOST_POINTS = 150


@dataclass(frozen=True, slots=True)
class QueueReadings:
    """What the services' metrics say of a queue; times are seconds since the epoch."""

    newest_received_sent_at: float | None = None
    """When the newest message was sent that any consumer received."""
    last_empty_at: float | None = None
    """When the DLQ watcher last found nothing waiting."""


def queue_readings(queue: str, readings: Iterable[Readings]) -> QueueReadings:
    """Gather what all instances say of the queue."""
    gathered = list(readings)
    return QueueReadings(
        _newest(gathered, "async_tasks_queue_last_received_sent_timestamp_seconds", queue),
        _newest(gathered, "async_tasks_queue_last_empty_timestamp_seconds", queue),
    )


def _newest(gathered: Iterable[Readings], name: str, queue: str) -> float | None:
    times = (at for readings in gathered for at in matching(readings, name, queue=queue).values())
    return max(times, default=0.0) or None


@dataclass(slots=True)
class QueueRow:
    """One queue, sample after sample."""

    definition: QueueDefinition
    _sample: QueueSample | None = None
    _error: str | None = None
    _oldest: OldestMessage | None = None
    _history: deque[QueueSample | None] = field(default_factory=lambda: deque(maxlen=MOST_POINTS))

    def note(self, answer: QueueSample | Exception, readings: QueueReadings, now: float) -> None:
        """Take what the queue answered, and what the services' metrics say of it."""
        if isinstance(answer, Exception):
            self._sample, self._oldest, self._error = None, None, why_silent(answer, self.definition.name)
        else:
            self._sample, self._error = answer, None
            empty_at = max(answer.last_empty_at or 0.0, readings.last_empty_at or 0.0) or None
            known = replace(answer, last_empty_at=empty_at, waiting=self._held(answer))
            self._oldest = oldest_message(known, readings.newest_received_sent_at, now)
        self._history.append(self._sample)

    def _held(self, sample: QueueSample) -> int:
        """Count what waits: in a dead-letter queue, for a person, what somebody only looks at does so too."""
        return sample.waiting + (sample.in_flight + sample.delayed if self.definition.is_dead_letter_queue else 0)

    def as_json(self) -> dict[str, Any]:
        """Return the row."""
        definition, sample = self.definition, self._sample
        return {
            "name": definition.name,
            "consumer": definition.consumer,
            "kind": kind_of(definition),
            "dead_letter_queue": definition.dead_letter_queue,
            "source_queue": definition.source_queue,
            "max_attempts": definition.max_attempts,
            "error": self._error,
            "waiting": sample and sample.waiting,
            "in_flight": sample and sample.in_flight,
            "delayed": sample and sample.delayed,
            "oldest_seconds": self._oldest and round(self._oldest.seconds, 1),
            "oldest_is_at_least": bool(self._oldest and self._oldest.is_at_least),
            "history": {
                "waiting": [each and each.waiting for each in self._history],
                "in_flight": [each and each.in_flight for each in self._history],
            },
        }


def kind_of(definition: QueueDefinition) -> str:
    """Return whether it is worked from, holds another queue's dead letters, is nobody's, or is for something else."""
    if definition.source_queue:
        return "dlq"
    if definition.dead_letter_queue and not definition.consumer:
        return "unclaimed"
    return "source" if definition.consumer == "worker" else "other"


def why_silent(error: Exception, name: str) -> str:
    """Say why a queue does not answer, and what to look at."""
    match error:
        case TimeoutError():
            return f"SQS does not answer: {error}"
        case ClientError() if is_missing_queue(error):
            return f"there is no queue {name}: are QUEUE_NAME_PREFIX and TASK_PACKAGES those of the services?"
        case _:
            return str(of_broker(error))
