"""Works one message of a task type's DLQ: the failure outcome goes to the callback, an alert to a person."""

from services.delivery.outcome_delivery import OutcomeDelivery, OutcomeTooLargeError
from services.dlq_watcher.alert import Alert, describe_age, make_alert
from services.dlq_watcher.alerts import Notify
from services.messages import TaskMessage, UnusableMessageError, decode_task, failure_outcome
from services.queueing.dead_letter import Failure, read_failure
from services.queueing.message import ReceivedMessage
from services.queueing.queue import Queue
from services.telemetry import log_context, tracing

_NOTHING_TO_REDRIVE = "nothing to redrive: the callback has the failure, or gets it from the queue callbacks"


class DeadLetterHandler:
    """A message handler (see attempt.py) for the dead tasks of one type."""

    def __init__(self, source: Queue, delivery: OutcomeDelivery, notify: Notify) -> None:
        """`source` is the queue of the type, where the attempts were made."""
        self._source = source
        self._delivery = delivery
        self._notify = notify

    async def __call__(self, message: ReceivedMessage) -> None:
        """Return when the failure is reported.

        Raises UnusableMessageError where there is no callback to report to, and OutcomeTooLargeError where the callback
        does not take the report and no queue can hold it: the message is kept in `undelivered`, and a person notified.
        """
        failure = read_failure(message, self._source.max_receives or 1)
        try:
            task = decode_task(message.body)
        except UnusableMessageError as error:
            unusable = failure.with_reason(str(error))
            await self._notify(self._alert_of_unusable(message, unusable))
            raise UnusableMessageError(unusable.reason, unusable.attempts) from error
        log_context.bind(task_id=task.task_id)
        tracing.tracer.of_task(task.task_id)
        try:
            await self._delivery.deliver(failure_outcome(task, failure.details), message.message_group_id)
        except OutcomeTooLargeError as error:
            unreported = failure.with_reason(str(error))
            await self._notify(_alert_of_task(message, task, unreported, is_kept=True))
            raise OutcomeTooLargeError(unreported.reason, unreported.attempts) from error
        await self._notify(_alert_of_task(message, task, failure, is_kept=False))

    def _alert_of_unusable(self, message: ReceivedMessage, failure: Failure) -> Alert:
        return make_alert(
            message,
            f"A message of the queue {self._source.definition.name} is no task; it is kept in undelivered",
            origin=self._source.definition.name,
            reason=failure.reason,
            facts={
                "Attempts": failure.attempts_known,
                "SQS message": message.message_id,
            },
            trace=failure.trace,
            is_kept=True,
        )


def _alert_of_task(message: ReceivedMessage, task: TaskMessage, failure: Failure, *, is_kept: bool) -> Alert:
    unheard = ", and its callback did not hear of it; it is kept in undelivered" if is_kept else ""
    return make_alert(
        message,
        f"Task {task.task_id} ({task.task_type}) failed for good{unheard}",
        origin=task.task_type,
        task_id=task.task_id,
        reason=failure.reason,
        facts={
            "Attempts": failure.attempts_known,
            "Age": describe_age(task.accepted_at),
            "Callback": task.callback_url,
            **({} if is_kept else {"Next": _NOTHING_TO_REDRIVE}),
        },
        trace=failure.trace,
        is_kept=is_kept,
    )
