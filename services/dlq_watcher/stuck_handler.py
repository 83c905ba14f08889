"""A dead message that cannot be reported is tried again for as long as SQS keeps it; in time a person is notified."""

import traceback

from services.dlq_watcher.alert import Alert, make_alert
from services.dlq_watcher.alerts import Notify
from services.errors import PermanentError, RetryLaterError
from services.messages import peek_task_id
from services.primitives.bounded import BoundedMap
from services.queueing.attempt import MessageHandler
from services.queueing.dead_letter import MAX_TRACE_BYTES
from services.queueing.message import ReceivedMessage

RECEIVES_BEFORE_ALERT = 5


class StuckHandler:
    """A message handler (see attempt.py) around another, for the dead messages of `origin`."""

    def __init__(self, handler: MessageHandler, origin: str, notify: Notify) -> None:
        self._handler = handler
        self._origin = origin
        self._notify = notify
        self._notified_of: BoundedMap[str, None] = BoundedMap()

    async def __call__(self, message: ReceivedMessage) -> None:
        """Do what the other handler does; notify a person, once, of an unexpected error that does not go away."""
        try:
            await self._handler(message)
        except (PermanentError, RetryLaterError):
            raise
        except Exception as error:
            await self._notify_once(message, error)
            raise

    async def _notify_once(self, message: ReceivedMessage, error: Exception) -> None:
        if message.receive_count < RECEIVES_BEFORE_ALERT or message.message_id in self._notified_of:
            return
        await self._notify(self._alert(message, error))
        self._notified_of[message.message_id] = None

    def _alert(self, message: ReceivedMessage, error: Exception) -> Alert:
        return make_alert(
            message,
            f"A dead message of the queue {self._origin} cannot be reported; it is tried again until it can be",
            origin=self._origin,
            task_id=peek_task_id(message.body),
            reason=f"{type(error).__name__}: {error}",
            facts={
                "Receives": str(message.receive_count),
                "SQS message": message.message_id,
                "Next": "see `make logs SERVICE=dlq-watcher`; it is reported once the cause is gone",
            },
            trace="".join(traceback.format_exception(error))[-MAX_TRACE_BYTES:],
        )
