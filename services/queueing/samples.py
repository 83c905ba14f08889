"""How much the queues hold, sampled now and then, and how long the oldest message of each has waited."""

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from services.queueing.queue import Queue, QueueState
from services.queueing.recreated_queues import RecreatedQueue
from services.telemetry import metrics

SHORTEST_INTERVAL_SECONDS = 5.0
"""However often somebody asks, the queues are asked no more often."""

SHORTEST_INTERVAL_SECONDS_ON_AWS = 60.0
"""The same where each look at a queue is billed as a request: as often as CloudWatch has news of it."""

_TIMEOUT_SECONDS = 3


@dataclass(frozen=True, slots=True)
class QueueSample:
    """What a queue held at a moment, as SQS counts it, and what earlier samples knew. Times are seconds since epoch."""

    at: float
    waiting: int
    """Messages that a receive can get."""
    in_flight: int
    """Received, and neither deleted nor given back yet."""
    delayed: int
    """Not to be received yet."""
    first_at: float
    """When the queue was sampled for the first time."""
    last_empty_at: float | None
    """When a sample last found nothing waiting; None: none has."""
    created_at: float | None = None
    """When the queue was made; None where SQS does not say."""


@dataclass(frozen=True, slots=True)
class OldestMessage:
    """How long the oldest waiting message has waited."""

    seconds: float
    is_at_least: bool
    """It may have waited longer: nothing is known of the time before the first sample."""


def oldest_message(sample: QueueSample, newest_received_sent_at: float | None, now: float) -> OldestMessage | None:
    """Return the age of the oldest waiting message, None where nothing waits.

    SQS reports it through CloudWatch alone, and a receive would count as an attempt. But what waits was sent behind the
    newest message that anybody received, and after the queue was last seen empty: its age is at most the time since.
    """
    if not sample.waiting:
        return None
    known = [at for at in (newest_received_sent_at, sample.last_empty_at) if at]
    return OldestMessage(max(0.0, now - max(known or [sample.first_at])), is_at_least=not known)


class QueueSampler:
    """Samples queues, by their definitions' names."""

    def __init__(
        self, queues: Iterable[Queue], *, shortest_interval_seconds: float = SHORTEST_INTERVAL_SECONDS
    ) -> None:
        self._queues = list(queues)
        self._shortest_interval_seconds = shortest_interval_seconds
        self._sampled_at: float | None = None
        self._last: dict[str, QueueSample] = {}
        self._answers: dict[str, QueueSample | Exception] = {}
        self._recreated: dict[str, RecreatedQueue] = {}
        self._sampling = asyncio.Lock()
        self.recreated: Collection[RecreatedQueue] = ()
        """The queues that were made anew since they were first sampled, as of the last sample of all."""

    async def sample(self) -> Mapping[str, QueueSample | Exception]:
        """Return a sample of each queue, or why it did not answer; the last ones where these are new enough."""
        async with self._sampling:
            if self._sampled_at is None or time.monotonic() - self._sampled_at >= self._shortest_interval_seconds:
                answers = await asyncio.gather(*map(self._ask, self._queues))
                self._answers = {
                    queue.definition.name: answer for queue, answer in zip(self._queues, answers, strict=True)
                }
                self.recreated = tuple(self._recreated.values())
                self._sampled_at = time.monotonic()
            return self._answers

    async def _ask(self, queue: Queue) -> QueueSample | Exception:
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                state = await queue.state()
        except TimeoutError:
            return TimeoutError(f"no answer within {_TIMEOUT_SECONDS} seconds")
        except Exception as error:  # noqa: BLE001  # whatever it is, it is the answer to the question
            return error
        return self._note(queue, state)

    def _note(self, queue: Queue, state: QueueState) -> QueueSample:
        name = queue.definition.name
        now, last = time.time(), self._last.get(name)
        if last and last.created_at and state.created_at and state.created_at != last.created_at:
            held = last.waiting + last.in_flight + last.delayed
            self._recreated[name] = RecreatedQueue(name, state.created_at, held, last.at)
            last = None
        last_empty_at = last.last_empty_at if last else None
        sample = self._last[name] = QueueSample(
            at=now,
            waiting=state.messages,
            in_flight=state.in_flight,
            delayed=state.delayed,
            first_at=last.first_at if last else now,
            last_empty_at=last_empty_at if _may_hold_older(queue, state) else now,
            created_at=state.created_at,
        )
        return sample


def _may_hold_older(queue: Queue, state: QueueState) -> bool:
    """Return whether what will wait may have been there before: in a dead-letter queue, what is hidden comes back.

    A person looks at it, or the DLQ watcher could not report it yet.
    """
    is_hidden = state.in_flight + state.delayed > 0 and queue.definition.is_dead_letter_queue
    return state.messages > 0 or is_hidden


def show_in_metrics(samples: Mapping[str, QueueSample | Exception]) -> None:
    """Set the metrics of what the queues hold. Nothing is shown of a queue that did not answer."""
    metrics.QUEUE_MESSAGES.clear()
    for name, sample in samples.items():
        if isinstance(sample, QueueSample):
            _show(name, sample)


def _show(name: str, sample: QueueSample) -> None:
    states = {"waiting": sample.waiting, "in_flight": sample.in_flight, "delayed": sample.delayed}
    for state, messages in states.items():
        metrics.QUEUE_MESSAGES.labels(name, state).set(messages)
    if sample.last_empty_at is not None:
        metrics.QUEUE_LAST_EMPTY_TIMESTAMP.labels(name).set(sample.last_empty_at)
