"""What stands in an SQS message."""

import base64
import contextlib
import json
import math
import re
import zlib
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from services.delivery.settings import DeliverySettings
from services.messages import (
    COMPRESSED_VERSION,
    MAX_BODY_BYTES,
    MAX_OUTCOME_BYTES,
    VERSION,
    OutcomeMessage,
    TaskMessage,
    UnusableMessageError,
    decode_outcome,
    decode_task,
    encode_outcome,
    encode_task,
    failure_outcome,
    max_body_bytes,
    peek_task_id,
    success_outcome,
)
from services.primitives import exact_json
from services.primitives.exact_json import MAX_DEPTH
from services.primitives.sqs_limits import MAX_MESSAGE_BYTES, attribute_text
from services.queueing.dead_letter import MAX_REASON_BYTES, MAX_TRACE_BYTES, dead_letter_attributes
from services.queueing.message import sent_at_attribute, sent_at_of
from services.queueing.message_size import message_bytes, text_attributes
from services.queueing.provisioning import LEAST_MESSAGE_BYTES
from services.telemetry.redaction import hide_secrets_of
from services.telemetry.trace_attributes import MAX_TRACESTATE_BYTES, TRACEPARENT_ATTRIBUTE, TRACESTATE_ATTRIBUTE

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
REFUSED_BY_SQS = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

REQUEST = {"callback_url": "http://receiver/callback", "message": [{"name": "a", "num_1": Decimal("0.10")}]}

ANY_TEXT = st.text(st.characters(exclude_categories=()))


def task_with(**changes: Any) -> str:
    envelope = json.loads(encode_task("id", "calculation", exact_json.dumps(REQUEST)))
    # A fixed time, so that the tests have the same names in every process.
    return json.dumps(envelope | {"accepted_at": 1.5} | changes)


def task_without(field: str) -> str:
    envelope = json.loads(task_with())
    del envelope[field]
    return json.dumps(envelope)


def decoded(request_text: str = exact_json.dumps(REQUEST)) -> TaskMessage:
    return decode_task(encode_task("id", "calculation", request_text))


@given(ANY_TEXT)
@example("\ufffe\uffff\\\ufffe")
def test_a_text_of_the_client_reaches_the_worker_in_characters_that_sqs_takes(name: str) -> None:
    # A client may write its text in UTF-8 or in escapes; half a surrogate pair can be an escape only.
    for ascii_only in (True, False) if name.isprintable() else (True,):
        request = json.dumps({**REQUEST, "message": [{"name": name}]}, ensure_ascii=ascii_only)
        body = encode_task("id", "calculation", request)

        assert not REFUSED_BY_SQS.search(body)
        assert decode_task(body).request["message"] == [{"name": name}]


@given(st.text('{}[]",:\\ 1e.\t\n\ufeff\xef\xbb\xbf\ufffeau') | ANY_TEXT)
@example("\ufeff{}")
@example("\xef\xbb\xbf{}")
def test_whatever_text_the_api_can_read_the_worker_can_read_too(text: str) -> None:
    with contextlib.suppress(ValueError):
        message = exact_json.loads(text)
        request = f'{{"callback_url":"http://receiver/","message":{text}}}'
        assert decoded(request).request["message"] == message
        with pytest.raises(UnusableMessageError, match="the message is no task"):
            decoded(text)


def test_the_deepest_request_that_is_read_can_be_worked_and_reported() -> None:
    depth = MAX_DEPTH - 1
    request = '{"callback_url":"http://receiver/","message":' + "[" * depth + "]" * depth + "}"
    exact_json.loads(request)

    outcome = failure_outcome(decoded(request), "no")

    assert decode_outcome(encode_outcome(outcome)) == outcome


@pytest.mark.parametrize(
    ("posted", "called"),
    [
        ("http://receiver/callback?a=1&b=%20", "http://receiver/callback?a=1&b=%20"),
        ("HTTP://RECEIVER:80/a/../b?{'c'}", "HTTP://RECEIVER:80/a/../b?{'c'}"),
        # Earlier releases accepted these, and called what pydantic made of them.
        (" http:receiver/callback\n", "http://receiver/callback"),
        ("http://receiver/\u00e9 ?\u20ac", "http://receiver/%C3%A9%20?%E2%82%AC"),
        ("http://a%3Ab:c@receiver/", "http://a%3Ab:c@receiver/"),
    ],
)
def test_an_outcome_goes_to_the_url_as_the_client_wrote_it(posted: str, called: str) -> None:
    task = decoded(exact_json.dumps({**REQUEST, "callback_url": posted}))

    assert success_outcome(task, [], []).callback_url == called
    assert task.request["callback_url"] == posted


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "no JSON"),
        ("hello", "no JSON"),
        ('{"version":1', "no JSON"),
        ('{"version":NaN}', "no JSON"),
        ("[]", "no JSON object"),
        ("null", "no JSON object"),
        ('"text"', "no JSON object"),
        ("{}", f"has version None, this program reads {VERSION}"),
        ('{"version":2}', f"has version 2, this program reads {VERSION}"),
        ('{"version":"1"}', f"has version '1', this program reads {VERSION}"),
        (task_without("task_id"), "no task: KeyError 'task_id'"),
        (task_without("task_type"), "no task: KeyError 'task_type'"),
        (task_without("accepted_at"), "no task: KeyError 'accepted_at'"),
        (task_without("request"), "no task: KeyError 'request'"),
        (task_with(request=None), "no task: TypeError"),
        (task_with(request=[]), "no task: TypeError"),
        (task_with(request="text"), "no task: TypeError"),
        (task_with(request={"callback_url": "http://receiver/"}), "no task: KeyError 'message'"),
        (task_with(request={"message": []}), "no task: KeyError 'callback_url'"),
        (task_with(request={"message": [], "callback_url": 5}), "no usable callback_url"),
        (task_with(request={"message": [], "callback_url": "receiver"}), "no usable callback_url"),
        (task_with(request={"message": [], "callback_url": "ftp://receiver/"}), "no usable callback_url"),
        (task_with(accepted_at="noon"), "no task: ValueError"),
        (task_with(accepted_at=[]), "no task: TypeError"),
        (task_with(accepted_at=10**400), "no task: OverflowError"),
    ],
)
def test_what_is_no_task_is_refused_with_its_reason_in_one_line(body: str, reason: str) -> None:
    with pytest.raises(UnusableMessageError, match=reason) as refused:
        decode_task(body)
    assert "\n" not in str(refused.value)


@given(ANY_TEXT)
def test_no_text_at_all_breaks_the_reader(body: str) -> None:
    with pytest.raises(UnusableMessageError):
        decode_task(body)
    with pytest.raises(UnusableMessageError):
        decode_outcome(body)


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT, ANY_TEXT, st.none() | st.floats(0, 1e10))
def test_an_outcome_is_read_as_it_was_written(
    task_id: str, task_type: str, callback_url: str, body: str, accepted_at: float | None
) -> None:
    outcome = OutcomeMessage(task_id, task_type, callback_url, body, accepted_at)

    encoded = encode_outcome(outcome)

    assert decode_outcome(encoded) == outcome
    assert not REFUSED_BY_SQS.search(encoded)


# As they stand in queues while a release is rolled out: they are never to change, only to be added to.
TASK_OF_VERSION_1 = (
    '{"version":1,"task_id":"id","task_type":"calculation","accepted_at":1790000000.125,'
    '"request":{"callback_url":"http://receiver/callback","message":[{"name":"a","num_1":0.10}]}}'
)
OUTCOME_OF_VERSION_1 = (
    '{"version":1,"task_id":"id","task_type":"calculation","callback_url":"http://receiver/callback",'
    '"body":"{\\"results\\":[{\\"a\\":1.10}],\\"errors\\":[],\\"task_id\\":\\"id\\"}"}'
)
OUTCOME_OF_VERSION_2 = (
    '{"version":2,"task_id":"id","task_type":"calculation","callback_url":"http://receiver/callback",'
    '"compressed_body":"eJyrVipKLS7NKSlWsoquVkpUsjLUMzSojdVRSi0qyi8CiQLZJYnF2fGZKUpWSkCiFgCx9RBx"}'
)
BODY = '{"results":[{"a":1.10}],"errors":[],"task_id":"id"}'


def test_a_task_of_every_version_that_may_still_be_in_a_queue_is_read() -> None:
    assert decode_task(TASK_OF_VERSION_1) == TaskMessage(
        "id", "calculation", "http://receiver/callback", REQUEST, 1790000000.125
    )


@pytest.mark.parametrize("message", [OUTCOME_OF_VERSION_1, OUTCOME_OF_VERSION_2])
def test_an_outcome_of_every_version_that_may_still_be_in_a_queue_is_read(message: str) -> None:
    assert decode_outcome(message) == OutcomeMessage("id", "calculation", "http://receiver/callback", BODY)


def test_an_outcome_that_fits_is_written_for_programs_of_the_release_before() -> None:
    outcome = OutcomeMessage("id", "calculation", "http://receiver/callback", BODY)

    assert encode_outcome(outcome) == OUTCOME_OF_VERSION_1


def test_an_outcome_that_is_too_large_for_a_message_is_compressed() -> None:
    outcome = OutcomeMessage("id", "calculation", "http://receiver/callback", '{"a":1}' * MAX_BODY_BYTES)

    encoded = encode_outcome(outcome)

    assert len(encoded) < MAX_BODY_BYTES
    assert json.loads(encoded)["version"] == COMPRESSED_VERSION
    assert decode_outcome(encoded) == outcome


@pytest.mark.parametrize(
    ("compressed_body", "reason"),
    [
        ("no base64!", "cannot be decompressed"),
        ("bm90IGNvbXByZXNzZWQ=", "cannot be decompressed"),
        (base64.b64encode(zlib.compress(b"body")[:-5]).decode(), "its body is incomplete, or larger"),
        (base64.b64encode(zlib.compress(b"\xff")).decode(), "cannot be decompressed"),
        (5, "cannot be decompressed"),
    ],
    ids=range(5),
)
def test_an_outcome_that_cannot_be_decompressed_is_refused(compressed_body: Any, reason: str) -> None:
    with pytest.raises(UnusableMessageError, match=reason):
        decode_compressed(compressed_body)


def test_an_outcome_that_would_become_larger_than_any_is_refused() -> None:
    one_too_many = zlib.compress(b"0" * (MAX_OUTCOME_BYTES + 1), level=1)

    with pytest.raises(UnusableMessageError, match="its body is incomplete, or larger"):
        decode_compressed(base64.b64encode(one_too_many).decode())


def decode_compressed(compressed_body: Any) -> OutcomeMessage:
    return decode_outcome(json.dumps(json.loads(OUTCOME_OF_VERSION_2) | {"compressed_body": compressed_body}))


@pytest.mark.parametrize(("accepted_at", "reason"), [("noon", "could not convert"), (10**400, "int too large")])
def test_an_outcome_whose_time_is_none_is_refused(accepted_at: Any, reason: str) -> None:
    envelope = json.loads(OUTCOME_OF_VERSION_1) | {"accepted_at": accepted_at}

    with pytest.raises(UnusableMessageError, match=f"the message is no outcome: {reason}"):
        decode_outcome(json.dumps(envelope))


@pytest.mark.parametrize("field", ["task_id", "task_type", "callback_url", "body"])
def test_an_outcome_without_one_of_its_fields_is_refused(field: str) -> None:
    envelope = json.loads(encode_outcome(OutcomeMessage("id", "calculation", "http://receiver/", "{}")))
    del envelope[field]

    with pytest.raises(UnusableMessageError, match=f"the message is no outcome: '{field}' is missing"):
        decode_outcome(json.dumps(envelope))


def test_the_outcome_of_a_task_that_was_done() -> None:
    outcome = success_outcome(decoded(), [{"a": Decimal("1.10")}], [{"b": "division by zero"}])

    assert outcome == OutcomeMessage(
        task_id="id",
        task_type="calculation",
        callback_url="http://receiver/callback",
        body='{"results":[{"a":1.10}],"errors":[{"b":"division by zero"}],"task_id":"id"}',
        accepted_at=outcome.accepted_at,
    )


def test_the_outcome_of_a_task_that_failed_for_good_holds_the_reason_and_the_original_request() -> None:
    outcome = failure_outcome(decoded(), "the source was down")

    assert exact_json.loads(outcome.body) == {
        "results": [],
        "errors": [{"details": "the source was down", "message": REQUEST}],
        "task_id": "id",
    }
    assert '"num_1":0.10' in outcome.body


def test_a_task_of_the_largest_size_has_room_for_what_goes_beside_it_to_a_dead_letter_queue() -> None:
    longest_name = "x" * 80
    attributes = dead_letter_attributes("x" * MAX_REASON_BYTES, 1000, longest_name, "x" * MAX_TRACE_BYTES)
    attributes |= sent_at_attribute(1_764_000_000)
    attributes |= {TRACEPARENT_ATTRIBUTE: "x" * 55, TRACESTATE_ATTRIBUTE: "x" * MAX_TRACESTATE_BYTES}

    assert MAX_BODY_BYTES + message_bytes("", text_attributes(attributes)) <= MAX_MESSAGE_BYTES


def test_in_the_smallest_queue_there_is_more_room_for_the_task_than_for_what_says_why_it_failed() -> None:
    assert LEAST_MESSAGE_BYTES / 2 < max_body_bytes(LEAST_MESSAGE_BYTES) == max_body_bytes(1024)


def test_an_outcome_is_compressed_where_it_would_take_more_than_it_may() -> None:
    outcome = OutcomeMessage("id", "calculation", "http://receiver/callback", '{"a":1}' * 1000)

    assert json.loads(encode_outcome(outcome, len(outcome.body)))["version"] == COMPRESSED_VERSION
    assert decode_outcome(encode_outcome(outcome, len(outcome.body))) == outcome


@pytest.mark.parametrize(
    ("stated", "sent_at"),
    [
        ({}, 1_764_000_000.123),
        ({"sent_at_ms": "1763000000456"}, 1_763_000_000.456),
        (sent_at_attribute(1_763_000_000.4561), 1_763_000_000.456),
        # Nothing is sent before it came.
        ({"sent_at_ms": "1764000000124"}, 1_764_000_000.123),
        ({"sent_at_ms": "2025-11-24T12:00:00Z"}, 1_764_000_000.123),
        ({"sent_at_ms": "9" * 5000}, 1_764_000_000.123),
        ({"sent_at_ms": ""}, 1_764_000_000.123),
    ],
)
def test_a_message_came_when_it_says_so_and_no_later_than_sqs_does(stated: dict[str, str], sent_at: float) -> None:
    assert sent_at_of(stated, 1_764_000_000_123) == sent_at


def test_a_trace_that_is_too_long_keeps_its_end() -> None:
    trace = "Traceback\n" + "x" * MAX_TRACE_BYTES + "\nValueError: no"

    attributes = dead_letter_attributes("ValueError: no", 3, "calculation", trace)

    assert attributes["trace"] == trace[-MAX_TRACE_BYTES:]
    assert attributes | {"trace": ""} == {
        "reason": "ValueError: no",
        "attempts": "3",
        "source_queue": "calculation",
        "trace": "",
    }


@given(st.text(st.characters(exclude_categories=()), max_size=3000))
@example("\U0001f600" * 1000)
@example("a" + "\u00e9" * 1000)
@example("")
def test_a_reason_becomes_what_a_message_attribute_can_hold(reason: str) -> None:
    text = attribute_text(reason, MAX_REASON_BYTES)

    assert 1 <= len(text.encode()) <= MAX_REASON_BYTES
    assert not REFUSED_BY_SQS.search(text)
    if len(reason) * 4 <= MAX_REASON_BYTES and reason and not REFUSED_BY_SQS.search(reason):
        assert text == reason


def test_no_secret_of_the_settings_goes_beside_a_dead_message_or_to_a_callback() -> None:
    hide_secrets_of(DeliverySettings(callback_signing_secret=SecretStr("whsec_" + "c2VjcmV0" * 4)))
    reason = f"ValueError: {'c2VjcmV0' * 4} does not fit"

    attributes = dead_letter_attributes(reason, 1, "calculation", f"Traceback\n{reason}\n")
    outcome = failure_outcome(decoded(), reason)

    assert attributes["reason"] == "ValueError: *** does not fit"
    assert attributes["trace"] == "Traceback\nValueError: *** does not fit\n"
    assert json.loads(outcome.body)["errors"][0]["details"] == "ValueError: *** does not fit"


@pytest.mark.parametrize(
    ("body", "task_id"),
    [
        (encode_task("a-task", "calculation", '{"callback_url":"http://receiver","message":[]}'), "a-task"),
        (encode_outcome(OutcomeMessage("a-task", "calculation", "http://receiver", "{}")), "a-task"),
        ('{ "version": 1, "task_id" : "spaced" }', "spaced"),
        ('{"text":"\\"task_id\\":\\"quoted\\""}', None),
        ('{"task_id":null}', None),
        ("x" * 1000 + '"task_id":"far"', None),
        ("no JSON", None),
        ("", None),
    ],
)
def test_the_id_of_a_task_can_be_had_without_reading_its_message(body: str, task_id: str | None) -> None:
    assert peek_task_id(body) == task_id


@pytest.mark.parametrize("accepted_at", [None, "nan", "inf", "-inf"])
def test_an_outcome_that_was_accepted_at_no_time_does_not_say_when(accepted_at: str | None) -> None:
    envelope = json.loads(OUTCOME_OF_VERSION_1) | {"accepted_at": accepted_at}

    assert decode_outcome(json.dumps(envelope)).accepted_at is None


def test_a_delay_goes_with_the_task_and_with_its_outcome_through_the_queues() -> None:
    task = decode_task(encode_task("id", "calculation", '{"callback_url":"http://receiver/","message":[]}', 30))
    outcome = success_outcome(task, [], [])

    assert task.delay_seconds == outcome.delay_seconds == 30
    assert decode_outcome(encode_outcome(outcome)) == outcome


@pytest.mark.parametrize("delay", ['"soon"', "null", "1e999999999", "NaN", "-1", "[]"])
def test_a_message_with_a_delay_that_is_no_number_is_none_of_ours(delay: str) -> None:
    task = encode_task("id", "calculation", '{"callback_url":"http://receiver/","message":[]}', 30)
    outcome = encode_outcome(OutcomeMessage("id", "calculation", "http://receiver/", "{}", delay_seconds=30))

    with pytest.raises(UnusableMessageError, match=r"is no (task|JSON)"):
        decode_task(task.replace('"delay_seconds":30', f'"delay_seconds":{delay}'))
    with pytest.raises(UnusableMessageError, match=r"is no (outcome|JSON)"):
        decode_outcome(outcome.replace('"delay_seconds":30', f'"delay_seconds":{delay}'))


class Thing(BaseModel):
    """A result whose task type does not declare it."""

    number: int = 1


@pytest.mark.parametrize("result", [Thing(), [Thing()], UUID(int=1), {(1, 2): 3}])
def test_a_result_of_a_type_that_json_has_not_is_told_with_its_item_and_what_to_do(result: Any) -> None:
    with pytest.raises(
        TypeError, match=r"^the result of the item 'b' is no JSON: .*: declare it as what `run` returns$"
    ):
        success_outcome(decoded(), [{"a": 1}, {"b": result}], [])


@pytest.mark.parametrize("result", [math.nan, b"\xff"])
def test_a_result_that_json_cannot_carry_is_told_with_its_item(result: Any) -> None:
    with pytest.raises(TypeError, match=r"^the result of the item 'b' is no JSON: (?!.*declare)"):
        success_outcome(decoded(), [{"a": 1}, {"b": result}], [])
