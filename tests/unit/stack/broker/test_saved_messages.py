"""How saved messages are split into batches, and to which queue each goes."""

from dataclasses import replace
from typing import Any

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from services.primitives.sqs_limits import MAX_BATCH_ENTRIES, MAX_MESSAGE_BYTES
from services.queueing.timing import jittered
from stack.broker.saved_messages import PATIENCE_SECONDS, SavedMessage, batches, entry_of, next_queue, with_time
from stack.config import ROOT

SENT_AT = {"DataType": "String", "StringValue": "1764000000123"}
POLICY = {"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:data-dlq", "maxReceiveCount": "3"}


def message(size_bytes: int, **attributes: Any) -> SavedMessage:
    return SavedMessage("id", "data", "x" * size_bytes, attributes)


@given(st.lists(st.integers(min_value=1, max_value=MAX_MESSAGE_BYTES), max_size=40))
def test_batches_keep_every_message_in_order_and_within_the_limits(sizes: list[int]) -> None:
    messages = [message(size) for size in sizes]

    split = list(batches(messages))

    assert [kept for batch in split for kept in batch] == messages
    assert all(0 < len(batch) <= MAX_BATCH_ENTRIES for batch in split)
    assert all(sum(kept.size_bytes for kept in batch) <= MAX_MESSAGE_BYTES for batch in split)


def test_a_batch_is_as_full_as_it_may_be() -> None:
    assert [len(batch) for batch in batches([message(1)] * 21)] == [10, 10, 1]
    assert [len(batch) for batch in batches([message(MAX_MESSAGE_BYTES // 2)] * 3)] == [2, 1]


def test_a_callback_that_waits_here_is_waited_for() -> None:
    schedule = dotenv_values(ROOT / "stack" / "local.env")["CALLBACK_RETRY_SCHEDULE_SECONDS"]

    assert schedule
    assert jittered(max(map(float, schedule.split(","))), 1) < PATIENCE_SECONDS


def test_attributes_count_towards_the_size() -> None:
    attributes = {"reason": {"DataType": "String", "StringValue": "é"}}

    assert message(3, **attributes).size_bytes == 3 + len("reason") + len("String") + 2


@pytest.mark.parametrize(
    ("policy", "receive_count", "queue"),
    [
        (POLICY, 0, "data"),
        (POLICY, 2, "data"),
        (POLICY, 3, "data-dlq"),
        (POLICY, 4, "data-dlq"),
        (None, 100, "data"),
    ],
)
def test_a_message_received_as_often_as_allowed_goes_to_the_dlq(
    policy: dict[str, Any] | None, receive_count: int, queue: str
) -> None:
    assert next_queue("data", policy, receive_count) == queue


def test_a_message_says_when_it_was_sent_by_whom_it_was_sent_first() -> None:
    saved = with_time(message(1, kept=SENT_AT), "1764000000123")

    assert saved == message(1, kept=SENT_AT, sent_at_ms=SENT_AT)
    assert with_time(saved, "1765000000000") == saved


@pytest.mark.parametrize(
    "full",
    [
        message(MAX_MESSAGE_BYTES),
        message(MAX_MESSAGE_BYTES - 20),
        message(1, **{f"own_{number}": SENT_AT for number in range(10)}),
    ],
    ids=["no byte is left", "some are left", "ten attributes"],
)
def test_a_message_that_has_no_room_for_it_is_saved_as_it_is(full: SavedMessage) -> None:
    assert with_time(full, "1764000000123") == full


NOW = 1_764_000_000.25


def delayed_until(milliseconds: str) -> SavedMessage:
    return message(1, delayed_until_ms={"DataType": "String", "StringValue": milliseconds})


@pytest.mark.parametrize(
    ("until", "seconds"),
    [
        ("1764000030000", 30),
        ("1764000000251", 1),
        ("1764000000250", None),
        ("1763999999000", None),
        ("9" * 15, 900),
        ("soon", None),
    ],
)
def test_a_message_is_sent_again_with_what_is_left_of_its_delay(until: str, seconds: int | None) -> None:
    assert entry_of(delayed_until(until), NOW).get("DelaySeconds") == seconds


def test_a_message_is_sent_again_to_its_group_and_one_without_a_group_to_none() -> None:
    grouped = replace(message(1), message_group_id="tenant-7")

    assert entry_of(grouped, NOW)["MessageGroupId"] == "tenant-7"
    assert entry_of(message(1), NOW).keys() == {"Id", "MessageBody", "MessageAttributes"}
    assert grouped.size_bytes == message(1).size_bytes + len("tenant-7")
