"""What is wrong with a body is answered within bounds."""

import json
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, TypeAdapter

from services.api.validation import MOST_CHARACTERS, MOST_ERRORS, RequestModel, faults_of_body
from services.messages import MAX_BODY_BYTES
from services.outbound.targets import TargetPolicy, TargetRules
from services.task_types.loading import load_task_types

TASK_TYPES = load_task_types(["services.tasks"])
REQUEST_MODEL: type[BaseModel] = TASK_TYPES["calculation"].request_model
NO_RULES = TargetRules(TargetPolicy())
CALCULATION = RequestModel(TypeAdapter(REQUEST_MODEL), NO_RULES)
ITEM = {"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 2}
URL = "https://example.com/"


def task(*items: Any) -> dict[str, Any]:
    return {"callback_url": URL, "message": items}


def content_of(model: RequestModel, value: Any) -> dict[str, Any]:
    """The content of the 422, of a size that does not depend on the request's."""
    answer = faults_of_body(model, json.dumps(value).encode())
    assert answer is not None
    assert len(answer) < MOST_ERRORS * 10 * MOST_CHARACTERS
    content: dict[str, Any] = json.loads(answer)
    return content


def with_wrong_fields(count: int) -> dict[str, Any]:
    return ITEM | {f"wrong {number}": number for number in range(count)}


def test_a_valid_body_has_no_faults() -> None:
    assert faults_of_body(CALCULATION, json.dumps(task(ITEM)).encode()) is None


@pytest.mark.parametrize("count", [1, MOST_ERRORS])
def test_as_many_errors_as_are_listed_leave_none_out(count: int) -> None:
    content = content_of(CALCULATION, task(with_wrong_fields(count)))

    assert list(content) == ["detail"]
    assert [error["loc"] for error in content["detail"]] == [
        ["body", "message", 0, f"wrong {number}"] for number in range(count)
    ]


def test_of_more_errors_the_first_are_listed_and_how_many_more_there_are() -> None:
    content = content_of(CALCULATION, task(*[with_wrong_fields(3)] * 1000))

    assert content["more_errors"] == 3 * 1000 - MOST_ERRORS
    assert [error["loc"] for error in content["detail"]] == [
        ["body", "message", number // 3, f"wrong {number % 3}"] for number in range(MOST_ERRORS)
    ]


def test_errors_of_one_item_are_bounded_too() -> None:
    assert content_of(CALCULATION, task(with_wrong_fields(50_000)))["more_errors"] == 50_000 - MOST_ERRORS


@pytest.mark.parametrize(
    "wrong",
    [
        {"x" * 500_000: 1},
        {"operation": "x" * 500_000},
        {"name": "x" * 500_000},
        {"num_1": "x" * 500_000},
    ],
)
def test_a_text_is_shown_as_far_as_it_helps(wrong: dict[str, Any]) -> None:
    [error] = content_of(CALCULATION, task(ITEM | wrong))["detail"]

    texts = [*error["loc"], error["msg"], error["input"]]
    assert max(len(text) for text in texts if isinstance(text, str)) == MOST_CHARACTERS + 1


def test_errors_are_made_for_as_few_items_as_have_enough_of_them() -> None:
    validated: list[int] = []

    class Item(BaseModel):
        model_config = ConfigDict(extra="forbid")

        number: Annotated[int, AfterValidator(validated.append)]

    class Request(BaseModel):
        message: list[Item]

    wrong = {"number": 1} | {f"wrong {number}": 1 for number in range(30)}
    content = content_of(RequestModel(TypeAdapter(Request), NO_RULES), {"message": [wrong] * 1000})

    assert content["more_errors"] == 30 * 1000 - MOST_ERRORS
    assert len(validated) == 1000 + 1 + 2 + 4


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_json_number_is_no_json_where_the_model_has_nothing_against_it(number: str) -> None:
    content = faults_of_body(RequestModel(TypeAdapter(Any), NO_RULES), f'{{"a":{number}}}'.encode())

    assert content is not None
    [error] = json.loads(content)["detail"]
    assert (error["type"], error["loc"][0]) == ("json_invalid", "body")


def test_a_megabyte_that_is_no_json_has_one_error() -> None:
    content = faults_of_body(CALCULATION, b"[" * MAX_BODY_BYTES)

    assert content is not None
    assert [error["type"] for error in json.loads(content)["detail"]] == ["json_invalid"]
