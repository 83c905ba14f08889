"""The shape of the OpenAPI document, of which generators of clients make names and types."""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import Enum
from http import HTTPStatus
from itertools import permutations
from typing import Annotated, Any, Literal

import jsonschema_rs
import pytest
from pydantic import BaseModel, Field, create_model

from services.api.app import create_app
from services.api.settings import ApiSettings
from services.delivery.answers import Delivered, FailedForGood, FailedForNow, judge
from services.messages import TaskMessage, failure_outcome, success_outcome
from services.task_types.loading import load_task_types
from services.task_types.task_type import TaskContext, TaskItem, TaskType
from tests.end_to_end.worked_example import word_count

IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
CALCULATION = "/v1/calculation/basic"
DATA = "/v1/data/from-api"
WORD_COUNT = "/v1/text/word-count"
TASK_ID = "6bc37fc0-8d01-4426-8b5e-ee67c3ee9ff8"

TASK_TYPES = {**load_task_types(["services.tasks"]), "word-count": word_count.TASK_TYPE}


def document_of(task_types: Any = TASK_TYPES) -> dict[str, Any]:
    # No setting of the developer's shell is read.
    document: dict[str, Any] = create_app(ApiSettings.model_construct(), task_types).openapi()
    return document


DOCUMENT = document_of()
SCHEMAS = DOCUMENT["components"]["schemas"]


class CalculationDoneItem(TaskItem):
    """One whose name is that of a schema of the API's own."""

    count: int = 1


class Malformed(BaseModel):
    """A result that has a model which is named as one of the API's own."""

    detail: "ErrorDetail"
    either: "Annotated[ErrorDetail | Untold, Field(discriminator='kind')]"


class ErrorDetail(BaseModel):
    """Another one than the API's."""

    kind: Literal["detail"] = "detail"
    times: list[datetime]


class Untold(BaseModel):
    """The other kind of a detail."""

    kind: Literal["untold"] = "untold"


class Colour(Enum):
    RED = "red"


class PaintItem(TaskItem):
    """One that has a default of a type of its own."""

    colour: Colour = Colour.RED


class OutwardItem(TaskItem):
    """One that refers to a schema of somebody else's."""

    colour: Annotated[str, Field(json_schema_extra={"$ref": "https://example.com/colour.json"})]


async def run(_item: TaskItem, _context: TaskContext) -> Malformed:
    raise NotImplementedError


def declare(name: str, item: type[TaskItem] = TaskItem, run: Any = run) -> TaskType[Any]:
    return TaskType(name=name, route=f"/v1/{name}", summary=name, item=item, run=run, example=[{"name": "a"}])


def operations_in(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for operations in document["paths"].values():
        for operation in operations.values():
            yield operation
            for callback in operation.get("callbacks", {}).values():
                for called in callback.values():
                    yield from called.values()


def references_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from references_in(each)


def submission(route: str, document: dict[str, Any] = DOCUMENT) -> dict[str, Any]:
    operation: dict[str, Any] = document["paths"][route]["post"]
    return operation


def callback_of(route: str, document: dict[str, Any] = DOCUMENT) -> dict[str, Any]:
    [(expression, called)] = submission(route, document)["callbacks"]["outcome"].items()
    assert expression == "{$request.body#/callback_url}"
    operation: dict[str, Any] = called["post"]
    return operation


def body_of(route: str, document: dict[str, Any] = DOCUMENT) -> dict[str, Any]:
    schema: dict[str, Any] = callback_of(route, document)["requestBody"]["content"]["application/json"]["schema"]
    return schema


def faults(schema: dict[str, Any], value: Any) -> list[str]:
    """What a validator of JSON Schema 2020-12 finds wrong with the value."""
    whole = {**schema, "components": DOCUMENT["components"]}
    return [error.message for error in jsonschema_rs.Draft202012Validator(whole).iter_errors(value)]


def test_every_operation_has_an_id_that_is_a_good_name() -> None:
    assert [operation["operationId"] for operation in operations_in(DOCUMENT)] == [
        *("submitCalculation", "deliverCalculationOutcome"),
        *("submitData", "deliverDataOutcome"),
        *("submitWordCount", "deliverWordCountOutcome"),
        *("getServiceInfo", "getHealth", "getReadiness"),
    ]


def test_schemas_are_named_after_task_types_and_models() -> None:
    assert {name for name in SCHEMAS if name.startswith(("Calculation", "Word"))} == {
        *("CalculationItem", "CalculationRequest"),
        *("CalculationDoneItem", "CalculationSuccess", "CalculationFailure", "CalculationOutcome"),
        *("WordCountItem", "WordCountItemIgnoreCase", "WordCountRequest", "WordCount"),
        *("WordCountDoneItem", "WordCountSuccess", "WordCountFailure", "WordCountOutcome"),
    }


def test_names_that_many_share_stay_identifiers_and_refer_to_what_they_name() -> None:
    names = ("calculation", "malformed", "3d", "3-d", "a1", "a-1", "word-count")
    items = {"calculation": CalculationDoneItem}
    document = document_of({name: declare(name, items.get(name, TaskItem)) for name in names})

    schemas = document["components"]["schemas"]
    assert [name for name in schemas if not IDENTIFIER.fullmatch(name)] == []
    assert set(references_in(document)) <= {f"#/components/schemas/{name}" for name in schemas}
    ids = [operation["operationId"] for operation in operations_in(document)]
    assert len(set(ids)) == len(ids)
    assert [each for each in ids if not IDENTIFIER.fullmatch(each)] == []
    assert schemas["ErrorDetail"]["required"] == ["detail"]
    for name in names:
        [outcome] = references_in(body_of(f"/v1/{name}", document))
        [success, _] = schemas[outcome.rpartition("/")[2]]["anyOf"]
        done = schemas[success["$ref"].rpartition("/")[2]]["properties"]["results"]["items"]
        result = schemas[done["$ref"].rpartition("/")[2]]["additionalProperties"]
        model = schemas[result["$ref"].rpartition("/")[2]]
        detail = schemas[model["properties"]["detail"]["$ref"].rpartition("/")[2]]
        assert detail["properties"]["times"]["items"]["format"] == "date-time"
        assert model["properties"]["either"]["discriminator"]["mapping"] == {
            "detail": model["properties"]["detail"]["$ref"],
            "untold": model["properties"]["detail"]["$ref"].replace("ErrorDetail", "Untold"),
        }


class RowsOfNumbers:
    class Row(BaseModel):
        a: int

    class Result(BaseModel):
        rows: "list[RowsOfNumbers.Row]"


class RowsOfTexts:
    class Row(BaseModel):
        b: str

    class Result(BaseModel):
        rows: "list[RowsOfTexts.Row]"


class TwoRow(BaseModel):
    """One whose name is that which another type's row has."""

    c: bool


class MoreRowsOfTexts:
    class Result(BaseModel):
        rows: list[RowsOfTexts.Row]
        more: list[TwoRow]


RESULTS = {"one": RowsOfNumbers.Result, "two": RowsOfTexts.Result, "three": MoreRowsOfTexts.Result, "four": TwoRow}


def returning(declared: Any) -> Any:
    async def run(_item: TaskItem, _context: TaskContext) -> Any:
        raise NotImplementedError

    run.__annotations__["return"] = declared
    return run


def resolved(value: Any, document: dict[str, Any]) -> Any:
    """The schema with what it refers to in the place of the references, and without titles."""
    match value:
        case {"$ref": str() as reference}:
            return resolved(document["components"]["schemas"][reference.rpartition("/")[2]], document)
        case dict():
            return {key: resolved(each, document) for key, each in value.items() if key != "title"}
        case list():
            return [resolved(each, document) for each in value]
    return value


def documented_results(names: Iterable[str]) -> dict[str, Any]:
    document = document_of({name: declare(name, run=returning(RESULTS[name])) for name in names})
    found = {}
    for name in names:
        outcome = resolved(body_of(f"/v1/{name}", document), document)
        found[name] = outcome["anyOf"][0]["properties"]["results"]["items"]["additionalProperties"]
    return found


@pytest.mark.parametrize("names", list(permutations(RESULTS)), ids="-".join)
def test_each_type_has_its_own_result_whatever_types_with_models_of_the_same_names_there_are(
    names: tuple[str, ...],
) -> None:
    def rows(**properties: Any) -> dict[str, Any]:
        row = {"type": "object", "properties": properties, "required": list(properties)}
        return {"type": "array", "items": row}

    numbers, texts, flags = rows(a={"type": "integer"}), rows(b={"type": "string"}), rows(c={"type": "boolean"})
    flag = {**flags["items"], "description": TwoRow.__doc__}
    results = documented_results(names)

    assert results["one"]["properties"] == {"rows": numbers}
    assert results["two"]["properties"] == {"rows": texts}
    assert results["three"]["properties"] == {"rows": texts, "more": {**flags, "items": flag}}
    assert results["four"] == flag


@pytest.mark.parametrize("names", list(permutations(RESULTS)), ids="-".join)
def test_the_names_of_schemas_do_not_depend_on_the_order_of_task_types(names: tuple[str, ...]) -> None:
    def schemas_of(order: Iterable[str]) -> dict[str, Any]:
        document = document_of({name: declare(name, run=returning(RESULTS[name])) for name in order})
        schemas: dict[str, Any] = document["components"]["schemas"]
        return schemas

    assert schemas_of(names) == schemas_of(RESULTS)


def test_the_title_of_each_schema_is_its_name() -> None:
    document = document_of({**TASK_TYPES, **{name: declare(name, run=returning(RESULTS[name])) for name in RESULTS}})

    schemas = document["components"]["schemas"]
    assert {name: schema["title"] for name, schema in schemas.items()} == {name: name for name in schemas}


def test_names_that_differ_by_no_character_of_identifiers_are_two() -> None:
    dotted: Any = create_model("a.b", x=(int, ...))
    hyphenated: Any = create_model("a-b", x=(str, ...))
    document = document_of({"pair": declare("pair", run=returning(tuple[dotted, hyphenated]))})

    outcome = resolved(body_of("/v1/pair", document), document)
    pair = outcome["anyOf"][0]["properties"]["results"]["items"]["additionalProperties"]
    assert [each["properties"]["x"]["type"] for each in pair["prefixItems"]] == ["integer", "string"]


def test_no_name_of_the_document_is_a_generic_models() -> None:
    assert [name for name in SCHEMAS if not re.fullmatch("[A-Za-z0-9]+", name)] == []


@pytest.mark.parametrize(
    ("route", "result"), [(CALCULATION, {"type": "number"}), (DATA, {}), (WORD_COUNT, {"$ref": "WordCount"})]
)
def test_a_result_is_what_the_task_type_declares(route: str, result: dict[str, str]) -> None:
    name = next(references_in(body_of(route))).rpartition("/")[2].removesuffix("Outcome")

    entry = SCHEMAS[f"{name}DoneItem"]
    assert {key: text.rpartition("/")[2] for key, text in entry["additionalProperties"].items()} == result
    assert SCHEMAS[f"{name}Success"]["properties"]["results"]["items"] == {
        "$ref": f"#/components/schemas/{name}DoneItem"
    }


REQUEST = {
    "callback_url": "http://receiver/",
    "message": [{"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 2}],
}
TASK = TaskMessage(TASK_ID, "calculation", "http://receiver/", REQUEST, accepted_at=0)


def test_the_outcomes_that_are_sent_are_those_of_the_document() -> None:
    success = success_outcome(TASK, [{"a": 123.76}, {"b": 880}], [{"c": "division by zero"}])
    failure = failure_outcome(TASK, "the worker was lost")

    for outcome, name in ((success, "CalculationSuccess"), (failure, "CalculationFailure")):
        body = json.loads(outcome.body)
        assert faults(body_of(CALCULATION), body) == []
        others = {"CalculationSuccess", "CalculationFailure"} - {name}
        assert faults({"$ref": f"#/components/schemas/{name}"}, body) == []
        assert all(faults({"$ref": f"#/components/schemas/{other}"}, body) for other in others)


@pytest.mark.parametrize(
    "body",
    [
        {"results": [{"a": "1"}], "errors": [], "task_id": TASK_ID},
        {"results": [{"a": 1, "b": 2}], "errors": [], "task_id": TASK_ID},
        {"results": [], "errors": [{"a": 1}], "task_id": TASK_ID},
        {"results": [], "errors": []},
    ],
    ids=["no number", "two in an entry", "no reason", "no id"],
)
def test_another_body_is_none_of_an_outcome(body: dict[str, Any]) -> None:
    assert faults(body_of(CALCULATION), body)


@pytest.mark.parametrize("route", [CALCULATION, DATA, WORD_COUNT])
def test_a_callback_has_the_headers_of_standard_webhooks(route: str) -> None:
    headers = {each["name"]: each["required"] for each in callback_of(route)["parameters"] if each["in"] == "header"}

    assert headers == {"webhook-id": True, "webhook-timestamp": True, "webhook-signature": False}


@pytest.mark.parametrize("status", [status for status in HTTPStatus if status >= HTTPStatus.OK])
def test_the_document_says_of_each_answer_what_is_decided_on_it(status: HTTPStatus) -> None:
    answers = callback_of(CALCULATION)["responses"]
    documented = answers.get(str(status.value)) or answers.get(f"{status.value // 100}XX") or answers["default"]

    in_a_minute = {"retry-after": "60", "location": "/elsewhere"}
    match judge(status, in_a_minute, datetime.now(UTC), "http://receiver/"):
        case Delivered():
            assert documented["description"].startswith("Taken")
        case FailedForGood():
            assert documented["description"].startswith("Final")
        case FailedForNow(retry_after_seconds=seconds):
            assert documented["description"].startswith("Not taken")
            assert ("Retry-After" in documented["headers"]) == (seconds == 60)


def test_what_has_a_default_may_be_left_out_of_a_request_and_its_default_is_told() -> None:
    item = SCHEMAS["DataItem"]

    assert item["required"] == ["name", "url"]
    assert item["properties"]["method"] == {"$ref": "#/components/schemas/DataItemMethod"}
    assert SCHEMAS["DataItemMethod"]["default"] == "GET"
    assert SCHEMAS["WordCountItemIgnoreCase"]["default"] is False


def test_what_refers_out_of_the_document_stays_as_it_is() -> None:
    schemas = document_of({"paint": declare("paint", OutwardItem)})["components"]["schemas"]

    assert schemas["OutwardItem"]["properties"]["colour"]["$ref"] == "https://example.com/colour.json"


def test_so_is_that_of_a_type_which_has_a_name() -> None:
    schemas = document_of({"paint": declare("paint", PaintItem)})["components"]["schemas"]

    assert schemas["PaintItem"]["properties"]["colour"] == {"$ref": "#/components/schemas/PaintItemColour"}
    assert schemas["PaintItemColour"] == {
        "title": "PaintItemColour",
        "anyOf": [{"$ref": "#/components/schemas/Colour"}],
        "default": "red",
    }


def test_nothing_of_an_answer_is_said_to_be_there_always_because_it_has_a_default() -> None:
    with_defaults = [
        (name, each)
        for name, schema in SCHEMAS.items()
        for each, of in schema.get("properties", {}).items()
        if "default" in of
    ]
    assert with_defaults == []


def test_operators_have_names_of_which_constants_can_be_made() -> None:
    operation = SCHEMAS["CalculationItem"]["properties"]["operation"]

    assert dict(zip(operation["x-enum-varnames"], operation["enum"], strict=True)) == {
        "ADD": "+",
        "SUBTRACT": "-",
        "MULTIPLY": "*",
        "DIVIDE": "/",
    }


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf", "allOf"])
def test_an_item_is_one_type_and_not_several(keyword: str) -> None:
    assert keyword not in SCHEMAS["DataItem"]


@pytest.mark.parametrize("route", [CALCULATION, DATA, WORD_COUNT])
def test_a_header_that_may_be_left_out_is_no_null(route: str) -> None:
    for parameter in submission(route)["parameters"]:
        assert parameter["schema"]["type"] in {"string", "integer"}


def test_a_route_names_its_task_type() -> None:
    assert [submission(route)["x-task-type"] for route in (CALCULATION, DATA, WORD_COUNT)] == [
        "calculation",
        "data",
        "word-count",
    ]
