"""Events of SQS as Lambda hands them over: recorded, with what is said of them in AWS's documentation."""

import copy
from typing import Any

import pytest

from services.runtime.lambda_events import NoSqsEventError, answer_of, read_event

RECORD: dict[str, Any] = {
    "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
    "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
    "body": '{"task_id": "ä", "number": 12345678901234567890.123}',
    "attributes": {
        "ApproximateReceiveCount": "2",
        "SentTimestamp": "1545082649183",
        "SenderId": "AIDAIENQZJOLO23YVJ4VO",
        "ApproximateFirstReceiveTimestamp": "1545082649185",
        "DeadLetterQueueSourceArn": "arn:aws:sqs:us-east-2:123456789012:my-queue",
        "MessageGroupId": "tenant-7",
        "AWSTraceHeader": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
    },
    "messageAttributes": {
        "reason": {
            "stringValue": "no such thing",
            "stringListValues": [],
            "binaryListValues": [],
            "dataType": "String",
        },
        "mark": {"binaryValue": "AAH/", "stringListValues": [], "binaryListValues": [], "dataType": "Binary"},
        "number": {"stringValue": "7", "dataType": "Number.int"},
    },
    "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
    "eventSource": "aws:sqs",
    "eventSourceARN": "arn:aws:sqs:us-east-2:123456789012:shop-calculation",
    "awsRegion": "us-east-2",
}


def record_of(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(RECORD), **changes}


def test_a_record_is_the_message_that_a_receive_would_have_brought() -> None:
    [[message]] = read_event({"Records": [RECORD]}).messages.values()

    assert message.message_id == RECORD["messageId"]
    assert message.body == RECORD["body"]
    assert message.receipt_handle == RECORD["receiptHandle"]
    assert message.receive_count == 2
    assert message.sent_at == 1545082649.183
    assert message.first_received_at == 1545082649.185
    assert message.dead_letter_source_arn == "arn:aws:sqs:us-east-2:123456789012:my-queue"
    assert message.message_group_id == "tenant-7"
    assert message.attributes == {"reason": "no such thing", "mark": "", "number": "7"}
    # As SQS takes them when the message goes on to another queue.
    assert message.typed_attributes == {
        "reason": {"DataType": "String", "StringValue": "no such thing"},
        "mark": {"DataType": "Binary", "BinaryValue": b"\x00\x01\xff"},
        "number": {"DataType": "Number.int", "StringValue": "7"},
    }


def test_what_may_be_missing_of_a_record_is_not_needed() -> None:
    system = {
        name: RECORD["attributes"][name]
        for name in ("ApproximateReceiveCount", "SentTimestamp", "ApproximateFirstReceiveTimestamp")
    }
    bare = record_of(attributes=system)
    del bare["messageAttributes"]

    [[message]] = read_event({"Records": [bare]}).messages.values()

    assert (message.attributes, message.dead_letter_source_arn) == ({}, None)


def test_receives_before_a_message_was_sent_anew_are_counted() -> None:
    before = {"receives_before": {"stringValue": "3", "dataType": "String"}}

    [[message]] = read_event({"Records": [record_of(messageAttributes=before)]}).messages.values()

    assert message.receive_count == 5


def test_messages_are_told_apart_by_their_queues() -> None:
    other = record_of(messageId="another", eventSourceARN="arn:aws:sqs:us-east-2:123456789012:shop-data")

    batches = read_event({"Records": [RECORD, other, RECORD]}).messages

    assert {name: len(messages) for name, messages in batches.items()} == {"shop-calculation": 2, "shop-data": 1}


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        ({}, "which have Records: KeyError('Records')"),
        ([], "which have Records: TypeError"),
        ("hello", "which have Records: TypeError"),
        ({"Records": [record_of(eventSource="aws:s3")]}, "is triggered by aws:s3, not by aws:sqs"),
        ({"Records": [{"eventSource": "aws:sqs", "eventSourceARN": "arn"}]}, "KeyError('messageId')"),
    ],
)
def test_what_is_no_event_of_sqs_is_an_error_that_says_so(event: Any, problem: str) -> None:
    with pytest.raises(NoSqsEventError) as raised:
        read_event(event)

    assert problem in str(raised.value)


@pytest.mark.parametrize(
    ("odd", "fault"),
    [
        (record_of(attributes={}), "it has no ApproximateReceiveCount"),
        ({name: value for name, value in RECORD.items() if name != "body"}, "KeyError('body')"),
        (record_of(messageAttributes={"mark": {"dataType": "String"}}), "KeyError('stringValue')"),
        (record_of(messageAttributes=[]), "AttributeError"),
    ],
)
def test_one_record_that_cannot_be_read_spoils_no_other(odd: dict[str, Any], fault: str) -> None:
    messages, unreadable = read_event({"Records": [{**odd, "messageId": "odd"}, RECORD]})

    assert [message.message_id for message in messages["shop-calculation"]] == [RECORD["messageId"]]
    assert unreadable.keys() == {"odd"}
    assert fault in unreadable["odd"]


def test_an_answer_names_what_comes_again_and_nothing_else() -> None:
    assert answer_of([]) == {"batchItemFailures": []}
    assert answer_of(["a", "b"]) == {"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "b"}]}
