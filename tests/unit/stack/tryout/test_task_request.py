"""What is posted for a file, and as which task type."""

import json
from typing import Any

import pytest

from services.primitives import exact_json
from services.task_types.loading import load_task_types
from stack.errors import StackError
from stack.tryout.task_request import make_request, places, queued

TASK_TYPES = load_task_types(["services.tasks"])
INBOX = "http://receiver:9000/callback"
CALCULATION = {"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 0}
DATA = {"name": "s", "url": "http://localhost:9000/source"}


def made(content: Any, wanted: str | None = None, callback_url: str | None = None) -> Any:
    text = content if isinstance(content, str) else json.dumps(content)
    return make_request(text, TASK_TYPES, wanted, callback_url, INBOX)


@pytest.mark.parametrize(("item", "name"), [(CALCULATION, "calculation"), (DATA, "data")])
def test_the_task_type_is_the_one_that_fits(item: dict[str, Any], name: str) -> None:
    assert made([item]).task_type.name == name


def test_a_list_is_the_items_of_a_request() -> None:
    assert json.loads(made([CALCULATION]).body) == {"message": [CALCULATION], "callback_url": INBOX}


def test_a_request_keeps_its_callback_url_unless_another_is_given() -> None:
    request = {"callback_url": "http://example.com/", "message": [CALCULATION]}

    assert made(request).callback_url == "http://example.com/"
    assert made(request, callback_url="http://other.example/").callback_url == "http://other.example/"
    assert json.loads(made(request).body)["callback_url"] == "http://example.com/"


def test_a_request_without_a_callback_url_is_heard_of_by_the_receiver() -> None:
    assert made({"message": [DATA]}).callback_url == INBOX


def test_numbers_are_sent_digit_by_digit() -> None:
    text = '[{"name": "a", "num_1": 0.877666663555222222, "num_2": 1.50, "operation": "*", "result_rounding": -1}]'

    body = made(text).body

    assert '"num_1":0.877666663555222222' in body
    assert '"num_2":1.50' in body
    assert exact_json.loads(body)["message"] == exact_json.loads(text)


def test_where_nothing_fits_each_type_says_what_does_not() -> None:
    with pytest.raises(StackError, match=r"^It fits no task type") as raised:
        made([{**CALCULATION, "num_1": "1", "url": "http://localhost/"}])

    assert raised.value.evidence.splitlines()[:3] == [
        "as calculation:",
        "    message.0.num_1: Input should be a number",
        "    message.0.url: Extra inputs are not permitted",
    ]
    assert "as data:" in raised.value.evidence


def test_a_named_type_is_sent_as_it_is_for_the_api_to_judge() -> None:
    assert made([{"name": "odd"}], "data").task_type.name == "data"


def test_a_type_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(StackError, match="There is no task type nothing: there are calculation, data"):
        made([DATA], "nothing")


def test_where_several_fit_one_must_be_named() -> None:
    twins = {**TASK_TYPES, "twin": TASK_TYPES["data"]}

    with pytest.raises(StackError, match="choose with --task-type data or twin"):
        make_request(json.dumps([DATA]), twins, None, None, INBOX)


@pytest.mark.parametrize("text", ["{", "", "NaN", b"\xff"])
def test_what_is_no_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(StackError, match=r"^This is no JSON"):
        make_request(text, TASK_TYPES, None, None, INBOX)


@pytest.mark.parametrize("text", ["5", "{}", '"task"', '{"messages": []}'])
def test_what_is_no_task_is_refused_with_the_form_of_one(text: str) -> None:
    with pytest.raises(StackError, match=r"^A task is"):
        made(text)


def test_of_many_errors_the_first_are_shown_and_the_others_counted() -> None:
    errors = [{"loc": ("body", "message", number, "name"), "msg": "Field required"} for number in range(8)]

    assert places(errors) == [f"message.{number}.name: Field required" for number in range(5)] + ["… and 3 more"]


def test_a_request_has_headers_for_the_group_and_the_delay_that_are_wanted_alone() -> None:
    request = made([CALCULATION])

    assert queued(request, None, 0).headers == {}
    assert queued(request, "tenant-7", 0).headers == {"Message-Group-Id": "tenant-7"}
    assert queued(request, "tenant-7", 30).headers == {"Message-Group-Id": "tenant-7", "Delay-Seconds": "30"}


@pytest.mark.parametrize("group", ["", "x" * 129, "a tenant", "caf\u00e9", "a\nb", "a\n"])
def test_what_is_no_message_group_is_told_before_anything_is_posted(group: str) -> None:
    with pytest.raises(StackError, match="--message-group-id is 1 to 128"):
        queued(made([CALCULATION]), group, 0)
