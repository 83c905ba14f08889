"""Begins no attempt that a queue's redrive policy, were it as declared, would have kept from being received."""

from services.errors import PermanentError
from services.queueing.attempt import MessageHandler
from services.queueing.message import ReceivedMessage


class AttemptsUsedUpError(PermanentError):
    """A message came again that has had all of its attempts."""


class AttemptLimit:
    """A message handler (see attempt.py) around another.

    A queue may have no redrive policy, or allow more than is declared: work that must not be repeated is not, and what
    kills each worker that takes it is reported all the same.
    """

    def __init__(self, handler: MessageHandler, max_attempts: int | None) -> None:
        self._handler = handler
        self._max_attempts = max_attempts

    async def __call__(self, message: ReceivedMessage) -> None:
        """Do what the other handler does. Raises AttemptsUsedUpError where that would be one attempt too many."""
        if self._max_attempts is not None and message.receive_count > self._max_attempts:
            raise AttemptsUsedUpError(
                f"not begun again: it was received {message.receive_count} times, and max attempts is"
                f" {self._max_attempts}",
                self._max_attempts,
            )
        await self._handler(message)
