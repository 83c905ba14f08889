"""Probes of what a message may be, and of batches."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from tests.brokers.queue import outcome, refusal
from tests.brokers.row import Probe, Row, Section, guide, reference
from tests.brokers.running import Subject

MEBIBYTE = 1_048_576
MOST_ATTRIBUTES = 10
LONGEST_DELAY_SECONDS = 900
GIVEN_BACK = "given back"


def body(text: str) -> Probe:
    """Send a message of this body."""
    return lambda subject: outcome(lambda: subject.new_queue().send(text))


def largest_message_size(subject: Subject) -> str:
    return outcome(lambda: subject.new_queue(MaximumMessageSize=str(MEBIBYTE + 1)))


def attributes(subject: Subject) -> str:
    sent = {
        "binary": {"DataType": "Binary", "BinaryValue": bytes(range(256))},
        "number": {"DataType": "Number", "StringValue": "0.10"},
    }
    queue = subject.new_queue()
    queue.send(MessageAttributes=sent)
    return "as sent" if queue.receive().get("MessageAttributes") == sent else "otherwise"


def too_many_attributes(subject: Subject) -> str:
    names = [f"name-{number}" for number in range(MOST_ATTRIBUTES + 1)]
    sent = {name: {"DataType": "String", "StringValue": "a value"} for name in names}
    return outcome(lambda: subject.new_queue().send(MessageAttributes=sent))


def too_long_delay(subject: Subject) -> str:
    return outcome(lambda: subject.new_queue().send(DelaySeconds=LONGEST_DELAY_SECONDS + 1))


def message_group(subject: Subject) -> str:
    queue = subject.new_queue()
    queue.send(MessageGroupId="a-group")
    return GIVEN_BACK if queue.receive()["Attributes"].get("MessageGroupId") == "a-group" else "not given back"


def empty_body_in_batch(subject: Subject) -> str:
    entries = [{"Id": "good", "MessageBody": "a message"}, {"Id": "bad", "MessageBody": ""}]
    return batch_outcome(lambda: subject.sqs.send_message_batch(QueueUrl=subject.new_queue().url, Entries=entries))


def unknown_handle_in_batch(subject: Subject) -> str:
    queue = subject.new_queue()
    queue.send()
    entries = [
        {"Id": "good", "ReceiptHandle": queue.receive()["ReceiptHandle"]},
        {"Id": "bad", "ReceiptHandle": "no handle"},
    ]
    return batch_outcome(lambda: subject.sqs.delete_message_batch(QueueUrl=queue.url, Entries=entries))


def deleted_message_in_batch(subject: Subject) -> str:
    queue = subject.new_queue()
    queue.send()
    message = queue.receive()
    queue.delete(message)
    entries = [{"Id": "deleted", "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 60}]
    change = subject.sqs.change_message_visibility_batch
    return batch_outcome(lambda: change(QueueUrl=queue.url, Entries=entries))


def batch_too_long(subject: Subject) -> str:
    entries = [{"Id": number, "MessageBody": "x" * (MEBIBYTE // 2 + 1)} for number in "01"]
    return batch_outcome(lambda: subject.sqs.send_message_batch(QueueUrl=subject.new_queue().url, Entries=entries))


def batch_outcome(call: Callable[[], dict[str, Any]]) -> str:
    """Say what came of a batch, and whether it came of all or of an entry."""
    try:
        failed = call().get("Failed", [])
    except ClientError as error:
        return f"all: {refusal(error)}"
    return f"that one: {failed[0]['Code']}" if failed else "success"


_CHARACTERS = "400 InvalidMessageContents"

GROUP_ROW = Row(
    "MessageGroupId, on a standard queue",
    message_group,
    reference("ReceiveMessage", "“returns the value provided by the producer”"),
)

DELETED_ROW = Row(
    "A batch that changes the visibility of a deleted message",
    deleted_message_in_batch,
    reference("ChangeMessageVisibilityBatch", "“reported individually”; the code: not documented"),
)

SECTION = Section(
    "Messages and batches",
    (
        Row("U+FFFF in a body", body("\uffff"), reference("SendMessage", _CHARACTERS)),
        Row("U+000B in a body", body("\x0b"), reference("SendMessage", _CHARACTERS)),
        Row(
            "U+1F600, an emoji, in a body", body("\U0001f600"), reference("SendMessage", "taken: “#x10000 to #x10FFFF”")
        ),
        Row("An empty body", body(""), reference("SendMessage", "“the minimum size is one character”")),
        Row("A message of 1 MiB", body("x" * MEBIBYTE), reference("SendMessage", "“the maximum size”")),
        Row(
            "A message of 1 MiB and one byte",
            body("x" * (MEBIBYTE + 1)),
            reference("SendMessage", "above “the maximum size”; the code: not documented"),
        ),
        Row(
            "A queue with a MaximumMessageSize of 1048577",
            largest_message_size,
            reference("CreateQueue", "`InvalidAttributeValue`: up to 1,048,576"),
        ),
        Row(
            "Message attributes of type Binary and Number",
            attributes,
            reference("MessageAttributeValue", "“any binary data”, numbers as strings"),
        ),
        Row(
            "A message with 11 message attributes",
            too_many_attributes,
            guide("sqs-message-metadata", "“up to 10”"),
        ),
        Row(
            "A delay of 15 min and 1 s",
            too_long_delay,
            reference("SendMessage", "“maximum: 15 minutes”"),
        ),
        GROUP_ROW,
        Row(
            "A batch of two, one with an empty body",
            empty_body_in_batch,
            reference("SendMessageBatch", "“reported individually”"),
        ),
        Row(
            "A batch of two deletes, one with an unknown handle",
            unknown_handle_in_batch,
            reference("DeleteMessageBatch", "“reported individually”"),
        ),
        DELETED_ROW,
        Row(
            "A batch of more than 1 MiB",
            batch_too_long,
            reference("SendMessageBatch", "`BatchRequestTooLong`"),
        ),
    ),
)
