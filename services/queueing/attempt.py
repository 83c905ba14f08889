"""Works a message once, and decides what becomes of it. Who received it, and how, does not matter here."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

from services.errors import RetryLaterError, is_sentence, reason_of
from services.queueing.attempt_history import AttemptHistory
from services.queueing.decisions import (
    Acknowledge,
    DeadLetter,
    Decision,
    Drop,
    Retry,
    RetryPolicy,
    decide_after_failure,
)
from services.queueing.in_flight import InFlight
from services.queueing.message import ReceivedMessage
from services.queueing.metrics import AttemptMetrics
from services.queueing.ownership import NotOursError, ensure_ours
from services.queueing.queue import Queue
from services.telemetry import log_events, tracing

log = structlog.get_logger(__name__)

MessageHandler = Callable[[ReceivedMessage], Awaitable[None]]
"""Works one message: returning acknowledges it, an error decides what else becomes of it (see decisions.py)."""

InFlightHandler = Callable[[InFlight], Awaitable[None]]
"""The same, of a message in flight."""


class Attempts:
    """The attempts at the messages of one queue, by its retry policy."""

    def __init__(self, queue: Queue, policy: RetryPolicy) -> None:
        self._queue = queue
        self._policy = policy
        self._history = AttemptHistory()
        self._metrics = AttemptMetrics(queue.definition.name)

    async def make(self, in_flight: InFlight, work: InFlightHandler) -> Decision:
        """Work the message, and return what becomes of it. It raises nothing of the work's."""
        message = in_flight.message
        self._metrics.begins(message)
        with tracing.tracer.process_span(
            self._queue.destination,
            message.message_id,
            message.receive_count,
            message.attributes,
            message.message_group_id,
        ):
            decision = await self._decision_of(in_flight, work)
        self._metrics.ended(decision)
        return decision

    def is_last(self, message: ReceivedMessage) -> bool:
        """Return whether the message has no further attempt."""
        most = self._allowed.max_attempts
        return most is not None and message.receive_count >= most

    def knows_last_of(self, message: ReceivedMessage) -> bool:
        """Return whether the attempt before this receive failed here, so that it is known why the message is back."""
        return message.receive_count - 1 in self._history.of(message.message_id)

    @property
    def _allowed(self) -> RetryPolicy:
        # SQS moves a message without a reason: the last attempt that it allows must be one that gives it.
        return self._policy.at_most(self._queue.max_receives)

    async def _decision_of(self, in_flight: InFlight, work: InFlightHandler) -> Decision:
        try:
            await work(in_flight)
        except asyncio.CancelledError:
            failure: Exception = RetryLaterError("the worker was stopped before the attempt was done")
        except Exception as error:
            # The others are sentences, and are logged with the decision.
            if not is_sentence(error):
                log.warning(log_events.ATTEMPT_FAILED, attempt=in_flight.message.receive_count, exc_info=error)
            failure = error
        else:
            return Acknowledge()
        return await self._decide_after(failure, in_flight)

    async def _decide_after(self, error: Exception, in_flight: InFlight) -> Retry | DeadLetter | Drop:
        tracing.tracer.failed(error)
        # The count of now: SQS moves the message by what it has counted, deliveries during the attempt included.
        message_id, count = in_flight.message.message_id, in_flight.message.receive_count
        try:
            # That it has failed is an outcome too.
            await ensure_ours()
        except NotOursError as lost:
            reason = reason_of(error)
            self._history.note(message_id, count, reason)
            return Drop(reason if isinstance(error, NotOursError) else f"{reason}; {lost}")
        chance, earlier = random.random(), self._history.of(message_id)  # noqa: S311  # jitter
        decision = decide_after_failure(error, count, self._allowed, chance, earlier)
        if isinstance(decision, Retry):
            self._history.note(message_id, count, decision.reason)
        else:
            self._history.forget(message_id)
        return decision
