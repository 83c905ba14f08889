"""A message as SQS gave it."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from services.primitives.counts import read_count
from services.primitives.sqs_limits import LONGEST_DELAY_SECONDS

if TYPE_CHECKING:
    from types_aiobotocore_sqs.type_defs import MessageAttributeValueOutputTypeDef, MessageTypeDef


SYSTEM_ATTRIBUTES: Final = (
    "ApproximateReceiveCount",
    "SentTimestamp",
    "ApproximateFirstReceiveTimestamp",
    "DeadLetterQueueSourceArn",
    "MessageGroupId",
)
"""What is asked of SQS beside the message."""

TIMESTAMPS: Final = ("SentTimestamp", "ApproximateFirstReceiveTimestamp")
"""Those of them that may be missing: a message's age is at least shown from its receive on, and its work is rather done
again than taken for done."""

SENT_AT_ATTRIBUTE = "sent_at_ms"
"""When the message came to where it is, in milliseconds since the epoch as SQS's own SentTimestamp has it, where SQS
does not know that any more: the message was saved and restored, or came on from a DLQ, in which it was dead already."""

RECEIVES_BEFORE_ATTRIBUTE = "receives_before"
"""How often a message was received before it was sent to its own queue anew, unattempted: SQS counts from 1 again."""

DELAYED_UNTIL_ATTRIBUTE = "delayed_until_ms"
"""Until when SQS was asked to keep the message to itself, in milliseconds since the epoch: SQS does not say that."""

_MILLISECONDS = re.compile("[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A message as SQS gave it."""

    message_id: str
    body: str
    receipt_handle: str
    receive_count: int
    """1 on the first receive; those before it was sent anew, unattempted, are counted too."""
    sent_at: float
    """When it came to its queue, in seconds since the epoch: where it was restored, before that."""
    attributes: Mapping[str, str]
    first_received_at: float | None = None
    """Seconds since the epoch: the same at each further receive, another one once the message was redriven. None where
    the broker does not say."""
    dead_letter_source_arn: str | None = None
    """The queue from which SQS itself moved the message by its redrive policy; None where nobody or a program did."""
    typed_attributes: Mapping[str, "MessageAttributeValueOutputTypeDef"] = field(default_factory=dict)
    """The attributes as SQS gives and takes them; a foreign message may have some that are no text."""
    date: str = ""
    """When SQS gave it: the `Date` of that answer (RFC 9110, section 6.6.1); empty where it has none."""
    message_group_id: str | None = None
    """Whose message it is, where its sender said so and SQS gives it back: goes with it wherever it is sent on."""
    delay_seconds: float = 0
    """For how long after that it could not be received, as its sender wanted."""

    @property
    def named(self) -> dict[str, str]:
        """What names it in a log line."""
        group = {} if self.message_group_id is None else {"message_group_id": self.message_group_id}
        return {"message_id": self.message_id, **group}


class UnreadableMessageError(ValueError):
    """A message is not as SQS gives one: the text says what is wrong."""

    def __init__(self, message_id: str, fault: str, receipt_handle: str = "") -> None:
        super().__init__(fault)
        self.message_id = message_id
        """Empty where it has none."""
        self.receipt_handle = receipt_handle
        """Empty where it has none."""


class UncountedMessageError(UnreadableMessageError):
    """A message does not say how often it was received."""


def read_message(message: "MessageTypeDef", date: str) -> ReceivedMessage:
    """Read a message of ReceiveMessage's answer, which has this `Date`. Raises UnreadableMessageError.

    Where the time that it was sent at is missing, it is that of now.
    """
    try:
        # What nearly all messages have, or have not, is not to cost them a call.
        system: Mapping[Any, str] = message["Attributes"] if "Attributes" in message else {}  # noqa: SIM401
        if "ApproximateReceiveCount" not in system:
            raise _unreadable(message, "it has no ApproximateReceiveCount", UncountedMessageError)
        typed_attributes = message.get("MessageAttributes", {})
        attributes = {name: attribute.get("StringValue", "") for name, attribute in typed_attributes.items()}
        # By these it is told from others, and settled beside them.
        if message["MessageId"].__class__ is not str or message["ReceiptHandle"].__class__ is not str:
            raise _unreadable(message, "its MessageId or its ReceiptHandle is no text")
        sent_timestamp = int(system["SentTimestamp"]) if "SentTimestamp" in system else _now_ms()
        first_receive = "ApproximateFirstReceiveTimestamp"
        return ReceivedMessage(
            message_id=message["MessageId"],
            body=message["Body"],
            receipt_handle=message["ReceiptHandle"],
            receive_count=int(system["ApproximateReceiveCount"]) + _receives_before(attributes),
            sent_at=sent_at_of(attributes, sent_timestamp),
            attributes=attributes,
            first_received_at=int(system[first_receive]) / 1000 if first_receive in system else None,
            dead_letter_source_arn=system.get("DeadLetterQueueSourceArn"),
            typed_attributes=typed_attributes,
            date=date,
            message_group_id=system["MessageGroupId"] if "MessageGroupId" in system else None,  # noqa: SIM401
            delay_seconds=_delay_of(attributes, sent_timestamp) if DELAYED_UNTIL_ATTRIBUTE in attributes else 0,
        )
    except UnreadableMessageError:
        raise
    except KeyError as error:
        raise _unreadable(message, f"it has no {error.args[0]}") from error
    except (ArithmeticError, AttributeError, TypeError, ValueError) as error:
        raise _unreadable(message, f"{type(error).__name__}: {error}") from error


def _unreadable(
    message: object, fault: str, kind: type[UnreadableMessageError] = UnreadableMessageError
) -> UnreadableMessageError:
    return kind(_text_of(message, "MessageId"), fault, _text_of(message, "ReceiptHandle"))


def _text_of(message: object, name: str) -> str:
    text = message.get(name) if isinstance(message, Mapping) else None
    return text if isinstance(text, str) else ""


def _now_ms() -> int:
    return round(time.time() * 1000)


def _receives_before(attributes: Mapping[str, str]) -> int:
    """Return how often the message was received before it was sent anew, unattempted."""
    return read_count(attributes.get(RECEIVES_BEFORE_ATTRIBUTE, "")) or 0


def _delay_of(attributes: Mapping[str, str], sent_timestamp: int) -> float:
    """Return for how many seconds the message could not be received: 0 where it was sent on after its delay."""
    until = delayed_until_of(attributes[DELAYED_UNTIL_ATTRIBUTE], sent_timestamp / 1000)
    return max(0.0, until - sent_at_of(attributes, sent_timestamp))


def delayed_until_of(stated: str, sent_at: float) -> float:
    """Return until when a message says that it is delayed, in seconds since the epoch; 0 where it does not.

    That is no later than SQS can delay what it is sent at that time, whatever the message says.
    """
    return min(int(stated) / 1000, sent_at + LONGEST_DELAY_SECONDS) if _MILLISECONDS.fullmatch(stated) else 0


def sent_at_of(attributes: Mapping[str, str], sent_timestamp: int) -> float:
    """Return when a message came to where it is, in seconds since the epoch.

    `sent_timestamp` is when SQS was last sent it, in milliseconds: it came no later than that, whatever it says itself.
    """
    stated = attributes.get(SENT_AT_ATTRIBUTE, "")
    return min(int(stated), sent_timestamp) / 1000 if _MILLISECONDS.fullmatch(stated) else sent_timestamp / 1000


def sent_at_attribute(sent_at: float) -> dict[str, str]:
    """Return what states it beside a message that is sent anew."""
    return {SENT_AT_ATTRIBUTE: str(round(sent_at * 1000))}


def delayed_until_attribute(delay_seconds: int) -> dict[str, str]:
    """Return what states it beside a message that is sent now with this delay."""
    return {DELAYED_UNTIL_ATTRIBUTE: str(round((time.time() + delay_seconds) * 1000))}
