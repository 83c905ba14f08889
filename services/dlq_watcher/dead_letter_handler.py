"""Works one message of a task type's DLQ: the failure outcome goes to the callback, the alert to Slack."""

from typing import Any

import structlog

from services.delivery import OutcomeDelivery, OutcomeTooLargeError
from services.dlq_watcher.alerts import Alerts
from services.dlq_watcher.failure import Failure, read_failure
from services.messages import TaskMessage, UnusableMessageError, decode_task, failure_outcome
from services.sqs import ReceivedMessage
from services.tasks.task_type import TaskType


class DeadLetterHandler:
    """A message handler (see consumer.py) for the dead tasks of one type."""

    def __init__(self, task_type: TaskType[Any], delivery: OutcomeDelivery, alerts: Alerts) -> None:
        self._task_type = task_type
        self._delivery = delivery
        self._alerts = alerts

    async def __call__(self, message: ReceivedMessage) -> None:
        """Return when the failure is reported.

        Raises UnusableMessageError where there is no callback to report to, and OutcomeTooLargeError where the callback
        does not take the report and no queue can hold it: the message is kept in `undelivered`, and a person told.
        """
        failure = read_failure(message, self._task_type.max_attempts)
        try:
            task = decode_task(message.body)
        except UnusableMessageError as error:
            await self._alert_of_unusable(message, failure)
            raise UnusableMessageError(failure.with_reason(str(error)).reason) from error
        structlog.contextvars.bind_contextvars(task_id=task.task_id)
        headline = f"Task {task.task_id} ({task.task_type}) failed for good"
        try:
            await self._delivery.deliver(failure_outcome(task, failure.details))
        except OutcomeTooLargeError as error:
            unreported = failure.with_reason(str(error))
            await self._alert_of_failure(
                f"{headline}, and its callback did not hear of it; it is kept in undelivered", task, unreported
            )
            raise OutcomeTooLargeError(unreported.reason) from error
        await self._alert_of_failure(headline, task, failure)

    async def _alert_of_failure(self, headline: str, task: TaskMessage, failure: Failure) -> None:
        await self._alerts.send(
            headline,
            {"Reason": failure.reason, "Attempts": str(failure.attempts), "Callback": task.callback_url},
        )

    async def _alert_of_unusable(self, message: ReceivedMessage, failure: Failure) -> None:
        await self._alerts.send(
            f"A message of the queue {self._task_type.name} is no task; it is kept in undelivered",
            {"Reason": failure.reason, "SQS message": message.message_id},
        )
