"""Carries out what was decided of a message, but for its delete, which is for who has received it."""

from collections.abc import Mapping, Sequence

import structlog

from services.queueing.dead_letter import FAILURE_ATTRIBUTES, TRACE_ATTRIBUTE, dead_letter_attributes
from services.queueing.decisions import DeadLetter, Decision, Drop, Retry
from services.queueing.in_flight import InFlight
from services.queueing.message import ReceivedMessage, sent_at_attribute
from services.queueing.queue import Queue
from services.queueing.retrying import SQS_RETRY_WAITS_SECONDS, retry_sqs
from services.telemetry import log_events

log = structlog.get_logger(__name__)


class Settlement:
    """What becomes of the messages of one queue."""

    def __init__(
        self, queue: Queue, dead_letter_queue: Queue, waits_seconds: Sequence[float] = SQS_RETRY_WAITS_SECONDS
    ) -> None:
        """`waits_seconds`: between the tries of a call on SQS that fails."""
        self._queue = queue
        self._dead_letter_queue = dead_letter_queue
        self._waits_seconds = waits_seconds

    async def carry_out(self, in_flight: InFlight, decision: Decision, *, deadline: float | None = None) -> None:
        """Return when SQS has confirmed it; no try begins behind the deadline, a time of the loop's clock.

        What is acknowledged or dead-lettered is to be deleted then. Raises what SQS raised.
        """
        match decision:
            case DeadLetter():
                log.error(log_events.DEAD_LETTERED, reason=decision.reason, attempts=decision.attempts)
                await retry_sqs(
                    lambda: self._dead_letter(in_flight.message, decision), self._waits_seconds, deadline=deadline
                )
            case Retry():
                log.info(log_events.RETURNED_FOR_RETRY, reason=decision.reason, after_seconds=decision.after_seconds)
                # By the receipt handle of now: it may be received again between two tries.
                await retry_sqs(
                    lambda: self._queue.change_visibility(in_flight.message, decision.after_seconds),
                    self._waits_seconds,
                    deadline=deadline,
                )
            case Drop():
                log.warning(log_events.DROPPED, reason=decision.reason)

    async def _dead_letter(self, message: ReceivedMessage, decision: DeadLetter) -> None:
        attributes = _attributes_of(message, decision, self._queue.definition.name, self._queue.definition.source_queue)
        await self._dead_letter_queue.forward(message, attributes, without=FAILURE_ATTRIBUTES)


def _attributes_of(
    message: ReceivedMessage, decision: DeadLetter, queue: str, source_queue: str | None
) -> Mapping[str, str]:
    if source_queue is None:
        return dead_letter_attributes(decision.reason, decision.attempts, queue, decision.trace)
    # It was dead already: what is worth keeping is the trace of the work, not of the report, and since when.
    trace = message.attributes.get(TRACE_ATTRIBUTE, "")
    since = {} if message.dead_letter_source_arn else sent_at_attribute(message.sent_at)
    return {**dead_letter_attributes(decision.reason, decision.attempts, source_queue, trace), **since}
