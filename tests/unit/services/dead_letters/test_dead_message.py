"""What is known of a dead message."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dead_letters.dead_message import content_of
from services.messages import OutcomeMessage, encode_outcome, encode_task
from services.primitives.sqs_limits import MAX_MESSAGE_BYTES
from tests.unit.services.dead_letters.dead_messages import OUTCOME, REQUEST, SENT_AT, TASK, dead_message, read, received

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["request", "body", "task_id", "accepted_at"]), inner)
    ),
)


def test_a_dead_task_says_what_it_was_and_why_it_failed() -> None:
    dead = dead_message(reason="ValueError: no", attempts="2", trace="Traceback …", source_queue="calculation")

    assert (dead.queue, dead.message_id, dead.kind) == ("calculation-dlq", "message-1", "task")
    assert (dead.task_id, dead.task_type, dead.callback_url) == ("task-1", "calculation", "http://receiver/callback")
    assert (dead.reason, dead.attempts, dead.trace, dead.source_queue) == (
        "ValueError: no",
        2,
        "Traceback …",
        "calculation",
    )
    assert dead.accepted_at is not None
    assert dead.sent_at == SENT_AT


def test_a_dead_outcome_says_whose_it_is_and_where_it_was_to_go() -> None:
    dead = dead_message(OUTCOME, "undelivered", reason="the receiver answered 503", attempts="7")

    assert (dead.kind, dead.task_id, dead.callback_url) == ("outcome", "task-1", "http://receiver/callback")
    assert (dead.reason, dead.attempts, dead.accepted_at) == ("the receiver answered 503", 7, None)


def test_of_a_task_that_sqs_moved_it_is_known_how_often_it_was_received_and_no_more() -> None:
    dead = dead_message()

    assert dead.reason.startswith("received 3 times, and no worker reported back")
    assert dead.attempts is None
    assert not dead.was_given_up


def test_what_a_message_that_sqs_moved_says_of_a_failure_is_of_an_earlier_one() -> None:
    message = replace(received(TASK, reason="ValueError: no", trace="Traceback …"), dead_letter_source_arn="arn:…")

    assert not read(message).was_given_up
    assert read(message).trace is None


def test_a_message_that_someone_put_into_undelivered_has_no_reason() -> None:
    assert dead_message("garbage", "undelivered").reason == "no reason given"
    assert dead_message("garbage", "undelivered", attempts="many").attempts is None
    assert dead_message("garbage", "undelivered", attempts="1" * 5000).attempts is None


@pytest.mark.parametrize("body", ["", "garbage", "[]", '{"task_id":5}', '{"task_id":"é"', "\ud800", "[" * 100_000])
def test_garbage_is_shown_by_its_reason_alone(body: str) -> None:
    dead = dead_message(body, reason="the message is no JSON")

    assert (dead.kind, dead.task_id, dead.reason) == (None, None, "the message is no JSON")
    assert content_of(body) == body


@pytest.mark.parametrize("accepted_at", ['"soon"', "null", "[1]", "1e400", "-1e40", "99999999999999"])
def test_a_time_that_no_calendar_has_is_not_shown(accepted_at: str) -> None:
    assert dead_message(f'{{"request":{{}},"accepted_at":{accepted_at}}}').accepted_at is None


@given(ANY_JSON)
def test_no_json_whatever_stops_the_reading(value: Any) -> None:
    body = json.dumps(value)
    dead_message(body)
    content_of(body)


def test_the_content_of_a_task_is_its_request_to_the_digit() -> None:
    assert content_of(TASK)["message"] == [{"name": "a", "num_1": Decimal("0.10")}]


def test_the_content_of_an_outcome_is_what_the_callback_would_hear() -> None:
    assert content_of(OUTCOME) == {"results": [{"a": Decimal("0.10")}], "errors": []}


def test_an_outcome_that_is_too_large_for_a_message_as_it_is_is_an_outcome_all_the_same() -> None:
    large = encode_outcome(
        OutcomeMessage("task-1", "calculation", "http://receiver/", f'["{"x" * MAX_MESSAGE_BYTES}"]')
    )

    assert dead_message(large, "undelivered").kind == "outcome"
    assert content_of(large) == ["x" * MAX_MESSAGE_BYTES]


@pytest.mark.parametrize(
    "field", ['"body":"half of it {"', '"body":5', '"compressed_body":"half of it"', '"request_id":5']
)
def test_an_outcome_that_cannot_be_read_is_shown_as_it_is(field: str) -> None:
    body = f'{{"version":1,"task_id":"id","task_type":"data","callback_url":"http://receiver/",{field}}}'
    assert dead_message(body).kind == "outcome"
    assert content_of(body) in {body, 5}


def test_a_task_of_an_unknown_version_is_still_read() -> None:
    dead = dead_message(encode_task("id", "calculation", REQUEST).replace('"version":1', '"version":99'))

    assert (dead.kind, dead.task_id) == ("task", "id")


def test_of_an_outcome_the_delivery_attempts_before_its_queue_are_counted_once() -> None:
    marks = {"reason": "the receiver answered 503", "attempts": "7", "delivery_attempts": "3"}

    assert dead_message(OUTCOME, "callbacks-dlq", **marks).attempts == 10
    # The watcher has counted them.
    assert dead_message(OUTCOME, "undelivered", **{**marks, "attempts": "10"}).attempts == 10


def test_delivery_attempts_that_are_no_count_are_not_counted() -> None:
    marks = {"reason": "the receiver answered 503", "attempts": "7", "delivery_attempts": "1" * 5000}

    assert dead_message(OUTCOME, "callbacks-dlq", **marks).attempts == 7
