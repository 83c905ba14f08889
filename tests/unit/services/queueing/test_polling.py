"""When a consumer polls, and for how many messages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.primitives.sqs_limits import MAX_RECEIVED_MESSAGES
from services.queueing.polling import GATHER_SECONDS, MAX_POLLS, messages_to_receive, rest_after


def test_an_idle_consumer_asks_for_a_whole_batch() -> None:
    assert messages_to_receive(50, 50, 0, is_backlog=False, has_waited=False) == 10


def test_one_poll_is_enough_where_the_last_one_left_nothing() -> None:
    assert messages_to_receive(40, 50, 1, is_backlog=False, has_waited=False) == 0


def test_where_there_is_more_several_polls_are_under_way_but_no_more_than_there_are_slots_for() -> None:
    assert messages_to_receive(40, 50, 1, is_backlog=True, has_waited=False) == 10
    assert messages_to_receive(10, 50, 2, is_backlog=True, has_waited=False) == 10
    assert messages_to_receive(9, 50, 2, is_backlog=True, has_waited=True) == 0
    assert messages_to_receive(20, 50, MAX_POLLS, is_backlog=True, has_waited=True) == 0


@pytest.mark.parametrize(("slots", "enough"), [(50, 10), (25, 5), (10, 2), (5, 1), (1, 1), (1000, 10)])
def test_a_poll_waits_for_some_free_slots_to_bring_home_a_batch(slots: int, enough: int) -> None:
    assert messages_to_receive(enough - 1, slots, 0, is_backlog=True, has_waited=False) == 0
    assert messages_to_receive(enough, slots, 0, is_backlog=True, has_waited=False) == enough


def test_no_slot_stays_empty_for_long() -> None:
    assert messages_to_receive(1, 50, 0, is_backlog=True, has_waited=True) == 1
    assert messages_to_receive(0, 50, 0, is_backlog=True, has_waited=True) == 0


@pytest.mark.parametrize("messages", [1, 2, 9])
def test_a_poll_rests_where_messages_come_faster_than_one_in_a_rest(messages: int) -> None:
    assert rest_after(messages, 10, messages * GATHER_SECONDS) == GATHER_SECONDS


@pytest.mark.parametrize("messages", [1, 2, 9])
def test_a_queue_on_which_little_comes_has_a_poll_waiting_at_once(messages: int) -> None:
    assert rest_after(messages, 10, messages * GATHER_SECONDS + 0.001) == 0


def test_nothing_rests_behind_a_receive_that_brought_all_that_it_could_or_nothing() -> None:
    assert rest_after(10, 10, 0.001) == 0
    assert rest_after(1, 1, 0.001) == 0
    assert rest_after(0, 10, 20) == 0


@given(
    slots=st.integers(1, 1000),
    free=st.integers(0, 1000),
    polls=st.integers(0, 5),
    known=st.tuples(st.booleans(), st.booleans()),
)
def test_never_more_is_asked_for_than_there_are_free_slots_or_sqs_gives(
    slots: int, free: int, polls: int, known: tuple[bool, bool]
) -> None:
    free = min(free, slots)
    is_backlog, has_waited = known

    assert (
        0
        <= messages_to_receive(free, slots, polls, is_backlog=is_backlog, has_waited=has_waited)
        <= min(free, MAX_RECEIVED_MESSAGES)
    )
