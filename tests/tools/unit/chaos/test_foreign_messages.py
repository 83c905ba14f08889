"""Messages that are none of ours: found again by their markers, and read by no consumer as its own."""

from contextlib import suppress
from itertools import count

import pytest

from services.messages import UnusableMessageError, decode_outcome, decode_task
from tests.chaos.foreign_messages import ForeignMessage, foreign_messages

MESSAGES = foreign_messages(map(str, count(1000)).__next__, "http://localhost:9000/callback")
OF_ANOTHER_TYPE, WITHOUT_A_CALLBACK = "of another type", "without a usable callback"


def test_each_has_a_marker_of_its_own_in_its_body() -> None:
    assert len({message.marker for message in MESSAGES}) == len(MESSAGES)
    assert all(message.marker in message.body for message in MESSAGES)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.kind)
def test_none_is_a_task_of_a_type_that_there_is_or_an_outcome_that_can_be_delivered(message: ForeignMessage) -> None:
    read = set()
    with suppress(UnusableMessageError):
        read.add(decode_task(message.body).task_type)
    with suppress(UnusableMessageError):
        read.add(decode_outcome(message.body).callback_url)

    assert read == {OF_ANOTHER_TYPE: {"unheard-of"}, WITHOUT_A_CALLBACK: {"gopher://nowhere"}}.get(message.kind, set())
