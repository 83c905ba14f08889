"""What a consumer measures: its slots, the attempts it makes, and how long messages waited for them."""

import time

from services.queueing.decisions import Acknowledge, DeadLetter, Decision, Drop, Retry
from services.queueing.message import ReceivedMessage
from services.queueing.slots import Slots
from services.telemetry.metrics import (
    ATTEMPTS,
    IN_FLIGHT,
    LAST_RECEIVED_SENT_TIMESTAMP,
    QUEUE_WAIT_SECONDS,
    SLOTS,
    child,
)


class ConsumerMetrics:
    """The metrics of the consumer of one queue, which is named as its definition is."""

    def __init__(self, queue: str, slots: Slots) -> None:
        self._newest_sent_at = 0.0
        child(SLOTS, queue).set(slots.total)
        # Asked for when somebody looks: they cost a message nothing.
        child(IN_FLIGHT, queue).set_function(lambda: slots.taken)
        child(LAST_RECEIVED_SENT_TIMESTAMP, queue).set_function(lambda: self._newest_sent_at)

    def received(self, message: ReceivedMessage) -> None:
        """Note a message: one that was delayed stands in the queue as if it had been sent when that was over."""
        self._newest_sent_at = max(self._newest_sent_at, message.sent_at + message.delay_seconds)


class AttemptMetrics:
    """The metrics of the attempts at the messages of one queue."""

    def __init__(self, queue: str) -> None:
        self._wait = child(QUEUE_WAIT_SECONDS, queue)
        self._attempts = {
            Acknowledge: child(ATTEMPTS, queue, "done"),
            Retry: child(ATTEMPTS, queue, "retried"),
            DeadLetter: child(ATTEMPTS, queue, "dead_lettered"),
            Drop: child(ATTEMPTS, queue, "dropped"),
        }

    def begins(self, message: ReceivedMessage) -> None:
        """Note how long the message has waited for its first attempt, from the end of the delay that it was sent with.

        A later one waited for its retry, and what SQS itself moved here still has the time of its first sending.
        """
        if message.receive_count == 1 and message.dead_letter_source_arn is None:
            self._wait.observe(max(0.0, time.time() - message.sent_at - message.delay_seconds))

    def ended(self, decision: Decision) -> None:
        """Count an attempt by what was decided."""
        self._attempts[type(decision)].inc()
