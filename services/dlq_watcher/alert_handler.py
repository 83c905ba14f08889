"""Works one message of `alerts`: a person is notified."""

from services.dlq_watcher.alert import decode_alert, make_alert
from services.dlq_watcher.alerts import Notify
from services.messages import UnusableMessageError
from services.queueing.message import ReceivedMessage
from services.queues import ALERTS
from services.telemetry import log_context, tracing


class AlertHandler:
    """A message handler (see attempt.py) for alerts."""

    def __init__(self, notify: Notify) -> None:
        self._notify = notify

    async def __call__(self, message: ReceivedMessage) -> None:
        """Return when a person is notified.

        Raises UnusableMessageError for what is no alert, of which a person is notified first, and what `notify` raises.
        """
        try:
            alert = decode_alert(message.body)
        except UnusableMessageError as error:
            await self._notify(
                make_alert(
                    message,
                    f"A message of the queue {ALERTS} is no alert; it is kept in undelivered",
                    origin=ALERTS,
                    reason=str(error),
                    facts={"SQS message": message.message_id},
                    is_kept=True,
                )
            )
            raise
        if alert.task_id is not None:
            log_context.bind(task_id=alert.task_id)
            tracing.tracer.of_task(alert.task_id)
        await self._notify(alert)
