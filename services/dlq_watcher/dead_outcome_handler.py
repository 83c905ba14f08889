"""Works one message of `callbacks-dlq`: an outcome whose callback could not be reached is kept, and a person told."""

import structlog

from services.decisions import PermanentError
from services.dlq_watcher.alerts import Alerts
from services.dlq_watcher.failure import read_failure
from services.messages import UnusableMessageError, decode_outcome
from services.settings import MOST_CALLBACK_RETRIES
from services.sqs import ReceivedMessage


class UndeliverableError(PermanentError):
    """The outcome reached nobody: it is kept in `undelivered`."""


class DeadOutcomeHandler:
    """A message handler (see consumer.py) for outcomes that exhausted `callbacks`."""

    def __init__(self, alerts: Alerts) -> None:
        self._alerts = alerts

    async def __call__(self, message: ReceivedMessage) -> None:
        """Tell a person, then raise UndeliverableError, by which the consumer keeps the message in `undelivered`."""
        failure = read_failure(message, MOST_CALLBACK_RETRIES)
        fields = {"Reason": failure.reason, "Delivery attempts": str(failure.attempts)}
        try:
            outcome = decode_outcome(message.body)
        except UnusableMessageError as error:
            await self._alerts.send(
                "A message of the queue callbacks is no outcome; it is kept in undelivered",
                {**fields, "SQS message": message.message_id},
            )
            raise UndeliverableError(failure.with_reason(str(error)).reason) from error
        structlog.contextvars.bind_contextvars(task_id=outcome.task_id)
        await self._alerts.send(
            f"The outcome of task {outcome.task_id} ({outcome.task_type}) was not delivered; it is kept in undelivered",
            {**fields, "Callback": outcome.callback_url},
        )
        raise UndeliverableError(failure.reason)
