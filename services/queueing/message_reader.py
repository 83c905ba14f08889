"""Reads what a receive has brought: one odd message spoils no other, and what a broker does not give is said once."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import structlog

from services.primitives.bounded import BoundedMap
from services.queueing.errors import UnusableBrokerError
from services.queueing.message import (
    TIMESTAMPS,
    ReceivedMessage,
    UncountedMessageError,
    UnreadableMessageError,
    read_message,
)

if TYPE_CHECKING:
    from types_aiobotocore_sqs.type_defs import MessageTypeDef

log = structlog.get_logger(__name__)

_MOST_REPORTED = 1000
_SEVERAL = 2

_WITHOUT_RECEIVE_COUNTS = (
    "the broker gives no ApproximateReceiveCount with its messages, although it is asked for: without it attempts"
    " cannot be counted, and a task that fails would be worked for ever. Its messages are left alone: use a broker that"
    " gives it"
)


OnUnreadable = Callable[[Sequence[UnreadableMessageError]], None]
"""Hears of the messages of a receive that cannot be read, where there are any."""


def ignore_unreadable(_errors: Sequence[UnreadableMessageError]) -> None:
    """Leave them to SQS."""


class MessageReader:
    """Reads the messages of one queue.

    A message that cannot be read is left to SQS: it comes again when its visibility timeout ends, until the queue's
    redrive policy moves it.
    """

    def __init__(self, queue: str) -> None:
        self._queue = queue
        self._reported: BoundedMap[str, str] = BoundedMap(_MOST_REPORTED)
        self._knows_times = False
        self._uncounted: set[str] = set()

    def read(
        self, received: Sequence["MessageTypeDef"], date: str, on_unreadable: OnUnreadable = ignore_unreadable
    ) -> list[ReceivedMessage]:
        """Return those of ReceiveMessage's answer, which has this `Date`, that can be read; report the others once.

        `on_unreadable` hears of these, whatever is raised. Raises UnusableBrokerError where several, at once or one
        after the other, do not say how often they were received, and none does: that is no fault of a message.
        """
        messages: list[ReceivedMessage] = []
        unreadable: list[UnreadableMessageError] = []
        for message in received:
            try:
                messages.append(read_message(message, date))
            except UnreadableMessageError as error:
                unreadable.append(error)
                continue
            if not self._knows_times:
                self._note_times(message)
        if unreadable:
            on_unreadable(unreadable)
        if messages:
            self._uncounted.clear()
        elif unreadable and self._are_uncounted(unreadable):
            raise UnusableBrokerError(_WITHOUT_RECEIVE_COUNTS)
        self._report(unreadable)
        return messages

    def _are_uncounted(self, errors: Sequence[UnreadableMessageError]) -> bool:
        """Return whether receives are counted with none of several messages, those before included."""
        if not all(isinstance(error, UncountedMessageError) for error in errors):
            return False
        if len(self._uncounted) < _SEVERAL:
            self._uncounted.update(error.message_id for error in errors)
        return len(self._uncounted) >= _SEVERAL

    def _report(self, errors: Sequence[UnreadableMessageError]) -> None:
        for error in errors:
            fault = str(error)
            if self._reported.get(error.message_id) != fault:
                log.error(
                    "a message cannot be read, and is left to SQS",
                    queue=self._queue,
                    message_id=error.message_id,
                    fault=fault,
                )
            self._reported[error.message_id] = fault

    def _note_times(self, message: "MessageTypeDef") -> None:
        """Say once which times the messages have not, by one that can be read: they are all alike."""
        self._knows_times = True
        if missing := [name for name in TIMESTAMPS if name not in message["Attributes"]]:
            log.warning("the broker does not give all times", queue=self._queue, missing=missing)
