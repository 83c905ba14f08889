"""What Lambda hands to a function that a queue triggers, and what it takes for an answer.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from services.queueing.message import ReceivedMessage, UnreadableMessageError, read_message

if TYPE_CHECKING:
    from types_aiobotocore_sqs.type_defs import MessageAttributeValueOutputTypeDef, MessageTypeDef

EVENT_SOURCE = "aws:sqs"


class NoSqsEventError(ValueError):
    """The function was invoked with what is no event of SQS."""


class SqsEvent(NamedTuple):
    """What an event has brought."""

    messages: Mapping[str, Sequence[ReceivedMessage]]
    """By the names of their queues in SQS."""
    unreadable: Mapping[str, str]
    """What is wrong with those that cannot be read, by their ids."""


def read_event(event: Any) -> SqsEvent:
    """Return the messages of an event. Raises NoSqsEventError."""
    messages: dict[str, list[ReceivedMessage]] = {}
    unreadable: dict[str, str] = {}
    try:
        for record in event["Records"]:
            if record["eventSource"] != EVENT_SOURCE:
                raise NoSqsEventError(f"the function is triggered by {record['eventSource']}, not by {EVENT_SOURCE}")
            queue = str(record["eventSourceARN"]).rpartition(":")[2]
            try:
                message = read_record(record)
            except UnreadableMessageError as error:
                unreadable[error.message_id] = str(error)
            else:
                messages.setdefault(queue, []).append(message)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, NoSqsEventError):
            raise
        raise NoSqsEventError(f"the function takes events of SQS, which have Records: {error!r}") from error
    return SqsEvent(messages, unreadable)


def read_record(record: Mapping[str, Any]) -> ReceivedMessage:
    """Read one record: its keys are those of ReceiveMessage's answer, with a small first letter.

    Raises UnreadableMessageError, and KeyError where the record has no id by which it could come again.
    """
    message_id = record["messageId"]
    try:
        return _read(record)
    except UnreadableMessageError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnreadableMessageError(message_id, repr(error)) from error


def _read(record: Mapping[str, Any]) -> ReceivedMessage:
    attributes = {name: _attribute(each) for name, each in record.get("messageAttributes", {}).items()}
    message: MessageTypeDef = {
        "MessageId": record["messageId"],
        "ReceiptHandle": record["receiptHandle"],
        "Body": record["body"],
        "Attributes": record["attributes"],
        "MessageAttributes": attributes,
    }
    return read_message(message, date="")


def _attribute(attribute: Mapping[str, Any]) -> "MessageAttributeValueOutputTypeDef":
    """Return an attribute as SQS's API takes it; the lists that an event has besides are always empty."""
    if attribute.get("binaryValue") is not None:
        return {"DataType": attribute["dataType"], "BinaryValue": base64.b64decode(attribute["binaryValue"])}
    return {"DataType": attribute["dataType"], "StringValue": attribute["stringValue"]}


def answer_of(message_ids: Iterable[str]) -> dict[str, Any]:
    """Return the answer by which the messages with these ids come again, and all others of the event are deleted.

    Every id is that of a record of the event: Lambda takes one that it does not know for a failure of the whole batch.
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
    """
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in message_ids]}
