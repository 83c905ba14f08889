"""What goes fitting a message to another queue."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.primitives.sqs_limits import MAX_ATTRIBUTES, MAX_MESSAGE_BYTES
from services.queueing.dead_letter import MAX_REASON_BYTES, dead_letter_attributes
from services.queueing.forwarding import fitting_attributes
from services.queueing.message_size import Attributes, attribute_bytes, text_attributes

OURS = {**dead_letter_attributes("it is no task", 3, "calculation", "Traceback …"), "traceparent": "00-1-1-01"}


def foreign(count: int) -> dict[str, str]:
    return {f"theirs-{number}": str(number) for number in range(count)}


def test_attributes_of_every_type_go_on_as_they_are() -> None:
    theirs: Attributes = {
        "bytes": {"DataType": "Binary.gzip", "BinaryValue": b"\x00\xff"},
        "number": {"DataType": "Number", "StringValue": "1"},
    }

    fitting = fitting_attributes("body", OURS, theirs)

    assert fitting.attributes == {**theirs, **text_attributes(OURS)}
    assert fitting.left_out == []


def test_of_one_name_ours_goes_on() -> None:
    assert fitting_attributes(
        "body", {"reason": "ours"}, text_attributes({"reason": "theirs"})
    ).attributes == text_attributes({"reason": "ours"})


def test_where_there_are_too_many_the_failure_comes_first_and_what_the_log_has_too_gives_way() -> None:
    fitting = fitting_attributes("body", OURS, text_attributes(foreign(7)))

    assert fitting.left_out == ["trace", "traceparent"]
    assert fitting.attributes.keys() == {"reason", "attempts", "source_queue", *foreign(7)}


def test_of_ten_foreign_attributes_the_last_by_name_give_way_to_the_failure() -> None:
    fitting = fitting_attributes("body", OURS, text_attributes(foreign(10)))

    assert fitting.left_out == ["theirs-7", "theirs-8", "theirs-9", "trace", "traceparent"]


@pytest.mark.parametrize("room", [200, 1000])
def test_a_body_that_leaves_little_room_has_a_shorter_reason(room: int) -> None:
    ours = dead_letter_attributes("é" * MAX_REASON_BYTES, 3, "calculation")

    fitting = fitting_attributes("x" * (MAX_MESSAGE_BYTES - room), ours, text_attributes({"theirs": "x" * 100}))

    assert fitting.left_out == ["theirs"]
    assert 0 < len(fitting.attributes["reason"]["StringValue"]) < room
    assert fitting.attributes["source_queue"]["StringValue"] == "calculation"


def test_a_body_that_leaves_no_room_goes_on_alone() -> None:
    fitting = fitting_attributes("x" * MAX_MESSAGE_BYTES, OURS, text_attributes({"theirs": "x"}))

    assert fitting.attributes == {}
    assert sorted(fitting.left_out) == sorted([*OURS, "theirs"])


def test_the_room_is_that_of_the_queue_to_which_it_goes() -> None:
    theirs = text_attributes({"theirs": "x" * 1000})

    assert fitting_attributes("x" * 261_500, OURS, theirs).left_out == []
    assert fitting_attributes("x" * 261_500, OURS, theirs, max_message_bytes=262_144).left_out == ["theirs"]


sizes = st.integers(0, MAX_MESSAGE_BYTES).map(lambda room: MAX_MESSAGE_BYTES - min(room, 3000 + room % 3000))


@given(sizes, st.dictionaries(st.text("abc", min_size=1, max_size=3), st.text(max_size=900), max_size=10))
def test_whatever_goes_on_is_what_sqs_takes(body_bytes: int, theirs: dict[str, str]) -> None:
    fitting = fitting_attributes("x" * body_bytes, OURS, text_attributes(theirs))

    assert len(fitting.attributes) <= MAX_ATTRIBUTES
    size = sum(attribute_bytes(name, attribute) for name, attribute in fitting.attributes.items())
    assert body_bytes + size <= MAX_MESSAGE_BYTES
    assert {*fitting.attributes, *fitting.left_out} == {*OURS, *theirs}


def test_the_message_group_takes_its_room_too() -> None:
    body, theirs = "x" * (MAX_MESSAGE_BYTES - 20), text_attributes({"a": "123"})

    assert fitting_attributes(body, {}, theirs, "0123456789").left_out == []
    assert fitting_attributes(body, {}, theirs, "0123456789a").left_out == ["a"]
