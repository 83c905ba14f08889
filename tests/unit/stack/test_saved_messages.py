"""How saved messages are split into batches, and to which queue each goes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack.saved_messages import BATCH_BYTES, BATCH_ENTRIES, SavedMessage, batches, next_queue

POLICY = {"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:data-dlq", "maxReceiveCount": "3"}


def message(size_bytes: int, **attributes: Any) -> SavedMessage:
    return SavedMessage("id", "data", "x" * size_bytes, attributes)


@given(st.lists(st.integers(min_value=1, max_value=BATCH_BYTES), max_size=40))
def test_batches_keep_every_message_in_order_and_within_the_limits(sizes: list[int]) -> None:
    messages = [message(size) for size in sizes]

    split = list(batches(messages))

    assert [kept for batch in split for kept in batch] == messages
    assert all(0 < len(batch) <= BATCH_ENTRIES for batch in split)
    assert all(sum(kept.size_bytes for kept in batch) <= BATCH_BYTES for batch in split)


def test_a_batch_is_as_full_as_it_may_be() -> None:
    assert [len(batch) for batch in batches([message(1)] * 21)] == [10, 10, 1]
    assert [len(batch) for batch in batches([message(BATCH_BYTES // 2)] * 3)] == [2, 1]


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
