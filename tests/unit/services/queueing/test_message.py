"""What is read from a message as SQS gives it."""

import time
from typing import Any, cast

import pytest

from services.queueing.message import (
    DELAYED_UNTIL_ATTRIBUTE,
    ReceivedMessage,
    delayed_until_attribute,
    delayed_until_of,
    read_message,
)
from services.queueing.message_size import text_attributes

SENT_AT = 1_700_000_000


def received(system: dict[str, str] | None = None, **attributes: str) -> ReceivedMessage:
    message: dict[str, Any] = {
        "MessageId": "message-1",
        "Body": "body",
        "ReceiptHandle": "handle",
        "Attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": str(SENT_AT * 1000),
            "ApproximateFirstReceiveTimestamp": str(SENT_AT * 1000),
            **(system or {}),
        },
        "MessageAttributes": text_attributes(attributes),
    }
    return read_message(cast("Any", message), "")


def delayed_until(text: str, **attributes: str) -> ReceivedMessage:
    return received(None, **{DELAYED_UNTIL_ATTRIBUTE: text, **attributes})


def test_a_message_is_of_the_group_that_its_sender_named_and_the_log_names_it() -> None:
    message = received({"MessageGroupId": "tenant-7"})

    assert message.message_group_id == "tenant-7"
    assert message.named == {"message_id": "message-1", "message_group_id": "tenant-7"}


def test_where_sqs_gives_no_group_back_the_message_has_none() -> None:
    assert received().message_group_id is None
    assert received().named == {"message_id": "message-1"}


def test_the_delay_of_a_message_is_that_which_its_sender_has_asked_for() -> None:
    assert received().delay_seconds == 0
    assert delayed_until(f"{SENT_AT + 30}500").delay_seconds == 30.5


def test_one_that_was_sent_on_after_its_delay_has_none() -> None:
    assert delayed_until(f"{SENT_AT - 30}000").delay_seconds == 0


def test_one_that_was_restored_has_the_delay_with_which_it_was_sent_first() -> None:
    restored = delayed_until(f"{SENT_AT + 30}000", sent_at_ms=f"{SENT_AT - 600}000")

    assert (restored.sent_at, restored.delay_seconds) == (SENT_AT - 600, 630)


@pytest.mark.parametrize(
    ("text", "seconds"), [("", 0), ("soon", 0), ("-1", 0), ("1e12", 0), ("9" * 16, 0), ("9" * 15, 900)]
)
def test_no_message_is_delayed_for_longer_than_sqs_can_whatever_it_says(text: str, seconds: int) -> None:
    assert delayed_until(text).delay_seconds == seconds


def test_what_is_sent_with_a_delay_says_until_when() -> None:
    before = time.time()
    [(name, milliseconds)] = delayed_until_attribute(30).items()

    assert name == DELAYED_UNTIL_ATTRIBUTE
    assert round(before + 30, 3) <= delayed_until_of(milliseconds, before) <= time.time() + 30.001
