"""Works one message of `callbacks-dlq`: an outcome that no callback took is kept, and a person notified."""

from dataclasses import replace

from services.dlq_watcher.alert import describe_age, make_alert
from services.dlq_watcher.alerts import Notify
from services.errors import PermanentError
from services.messages import OutcomeMessage, UnusableMessageError, decode_outcome, earlier_delivery_attempts
from services.queueing.dead_letter import read_failure
from services.queueing.message import ReceivedMessage
from services.queueing.queue import Queue
from services.queues import CALLBACKS
from services.telemetry import log_context, tracing


class UndeliverableError(PermanentError):
    """The outcome reached nobody: it is kept in `undelivered`."""


class DeadOutcomeHandler:
    """A message handler (see attempt.py) for outcomes that exhausted `callbacks`."""

    def __init__(self, callbacks: Queue, notify: Notify) -> None:
        self._callbacks = callbacks
        self._notify = notify

    async def __call__(self, message: ReceivedMessage) -> None:
        """Notify a person, then raise UndeliverableError, by which the consumer keeps the message in `undelivered`."""
        failure = read_failure(message, self._callbacks.max_receives or 1)
        earlier, from_queue = earlier_delivery_attempts(message.attributes), failure.attempts_known
        failure = replace(failure, attempts=earlier + failure.attempts)
        parts = f" ({earlier} in place, {from_queue} from the queue {CALLBACKS})" if earlier else ""
        attempts = {"Delivery attempts": f"{failure.attempts_known}{parts}"}
        try:
            outcome = decode_outcome(message.body)
        except UnusableMessageError as error:
            unusable = failure.with_reason(str(error))
            await self._notify(
                make_alert(
                    message,
                    f"A message of the queue {CALLBACKS} is no outcome; it is kept in undelivered",
                    origin=CALLBACKS,
                    reason=unusable.reason,
                    facts={**attempts, "SQS message": message.message_id},
                    is_kept=True,
                )
            )
            raise UndeliverableError(unusable.reason, unusable.attempts) from error
        log_context.bind(task_id=outcome.task_id)
        tracing.tracer.of_task(outcome.task_id)
        await self._notify(
            make_alert(
                message,
                f"The outcome of task {outcome.task_id} ({outcome.task_type}) was not delivered;"
                " it is kept in undelivered",
                origin=outcome.task_type,
                task_id=outcome.task_id,
                reason=failure.reason,
                facts={
                    **attempts,
                    **_age(outcome),
                    "Callback": outcome.callback_url,
                },
                trace=failure.trace,
                is_kept=True,
            )
        )
        raise UndeliverableError(failure.reason, failure.attempts)


def _age(outcome: OutcomeMessage) -> dict[str, str]:
    return {} if outcome.accepted_at is None else {"Age": describe_age(outcome.accepted_at)}
