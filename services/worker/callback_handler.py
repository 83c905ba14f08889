"""Works one message of `callbacks`: a single delivery attempt of an outcome."""

import structlog

from services.delivery.answers import Delivered, FailedForGood
from services.delivery.callback_client import CallbackClient
from services.errors import PermanentError, RetryLaterError
from services.messages import decode_outcome
from services.queueing.message import ReceivedMessage
from services.telemetry import log_context, log_events, tracing

log = structlog.get_logger(__name__)


class CallbackHandler:
    """A message handler (see attempt.py) for outcomes that were not delivered at once."""

    def __init__(self, client: CallbackClient) -> None:
        self._client = client

    async def __call__(self, message: ReceivedMessage) -> None:
        """Return when the receiver took the outcome.

        Raises RetryLaterError where it may take it later, PermanentError where it wants no more, or for garbage.
        """
        outcome = decode_outcome(message.body)
        log_context.bind(task_id=outcome.task_id, attempt=message.receive_count)
        tracing.tracer.of_task(outcome.task_id)
        answer = await self._client.post(outcome, message.receive_count)
        if isinstance(answer, Delivered):
            log.info(log_events.DELIVERED)
            return
        if isinstance(answer, FailedForGood):
            raise PermanentError(answer.reason)
        raise RetryLaterError(answer.reason, answer.retry_after_seconds)
