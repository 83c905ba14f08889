"""What a task type declares to return: its schema, and its JSON."""

import functools
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, WithJsonSchema

from services.primitives import exact_json
from services.task_types.results import ResultType
from services.task_types.task_type import TaskItem, TaskType

REFERENCE = "#/components/schemas/{model}"


class Colour(Enum):
    RED = "red"


class Part(BaseModel):
    weight: Decimal
    made: datetime
    parts: "list[Part]" = []


class Thing(BaseModel):
    thing_id: Annotated[int, Field(serialization_alias="thingId")]
    colour: Colour
    by_name: dict[str, Part] = {}
    sizes: set[Decimal] = set()
    anything: Any = None


@dataclass
class Point:
    x: int
    at: datetime


class HeavyThing(Thing):
    inside: str = "internal"


Number = Annotated[int | Decimal, WithJsonSchema({"type": "number"})]


def returning(annotation: Any) -> Callable[..., Awaitable[Any]]:
    async def run(_item: Any, _context: Any) -> Any: ...

    run.__annotations__["return"] = annotation
    return run


async def undeclared(_item, _context): ...  # type: ignore[no-untyped-def]  # noqa: ANN001


def schema_of(annotation: Any) -> dict[str, Any]:
    return ResultType.of(returning(annotation)).json_schema(REFERENCE)


def written(annotation: Any, value: Any) -> str:
    return exact_json.dumps(ResultType.of(returning(annotation)).to_json(value))


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (Any, {}),
        (object, {}),
        (None, {"type": "null"}),
        (int, {"type": "integer"}),
        (Decimal, {"type": "number"}),
        (Number, {"type": "number"}),
        ("dict[str, Decimal]", {"type": "object", "additionalProperties": {"type": "number"}}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
    ],
)
def test_the_schema_is_that_of_the_annotation_its_decimals_being_numbers(
    annotation: Any, schema: dict[str, Any]
) -> None:
    assert schema_of(annotation) == schema


def test_what_declares_nothing_may_return_any_json() -> None:
    assert ResultType.of(undeclared).json_schema(REFERENCE) == {}


def test_a_model_keeps_its_name_and_so_do_those_that_it_has() -> None:
    schema = schema_of(Thing)

    assert schema["$ref"] == "#/components/schemas/Thing"
    assert sorted(schema["$defs"]) == ["Colour", "Part", "Thing"]
    assert schema["$defs"]["Thing"]["properties"]["thingId"]["type"] == "integer"
    assert schema["$defs"]["Part"]["properties"]["weight"]["type"] == "number"
    assert schema["$defs"]["Part"]["properties"]["parts"]["items"] == {"$ref": "#/components/schemas/Part"}


class Runner:
    async def __call__(self, _item: Any, _context: Any) -> int: ...  # type: ignore[empty-body]

    async def method(self, _item: Any, _context: Any) -> "int": ...  # type: ignore[empty-body]


async def with_a_setting(_setting: Any, _item: Any, _context: Any) -> "int": ...  # type: ignore[empty-body]


@functools.wraps(with_a_setting)
async def wrapped(*_anything: Any) -> Any: ...


def with_an_awaitable(_item: Any, _context: Any) -> Awaitable[int]: ...  # type: ignore[empty-body]


def with_a_coroutine(_item: Any, _context: Any) -> "Coroutine[Any, Any, int]": ...  # type: ignore[empty-body]


@pytest.mark.parametrize(
    "run",
    [
        Runner(),
        Runner().method,
        functools.partial(with_a_setting, "a"),
        wrapped,
        with_an_awaitable,
        with_a_coroutine,
    ],
    ids=["object", "method", "partial", "wrapped", "awaitable", "coroutine"],
)
def test_whatever_can_be_awaited_may_declare_it(run: Callable[..., Awaitable[Any]]) -> None:
    assert ResultType.of(run).json_schema(REFERENCE) == {"type": "integer"}


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        (type("Handle", (), {}), r"Handle.*has no JSON schema \(Unable to generate"),
        (Callable[[int], int], r"has no JSON schema \(Cannot generate a JsonSchema"),
        ("KnownToTheTypeCheckerAlone", r"cannot be read \(name .* is not defined\): import it where TYPE_CHECKING"),
        ("no type", r"has no JSON schema \(Forward reference must be an expression"),
        (5, r"has no JSON schema"),
    ],
    ids=["class", "callable", "unknown", "no expression", "no type"],
)
def test_what_has_no_schema_is_refused_when_the_type_is_declared(annotation: Any, said: str) -> None:
    with pytest.raises(ValueError, match=f"task type 'echo': what `run` declares to return, .*{said}") as refused:
        TaskType(
            name="echo",
            route="/v1/echo",
            summary="Echo",
            item=TaskItem,
            run=returning(annotation),
            example=[{"name": "a"}],
        )
    assert "\n" not in str(refused.value)


def test_a_model_comes_out_as_its_json_its_decimals_to_the_digit() -> None:
    made = datetime(2026, 1, 2, tzinfo=UTC)
    inner = Part(weight=Decimal("1.10"), made=made)
    part = Part(weight=Decimal("0.1000000000000000000000001"), made=made, parts=[inner])
    thing = Thing(thing_id=1, colour=Colour.RED, by_name={"a": part}, sizes={Decimal("2.50")}, anything=["3.0"])

    assert written(Thing, thing) == (
        '{"thingId":1,"colour":"red","by_name":{"a":{"weight":0.1000000000000000000000001,"made":"2026-01-02T00:00:00Z",'
        '"parts":[{"weight":1.10,"made":"2026-01-02T00:00:00Z","parts":[]}]}},"sizes":[2.50],"anything":["3.0"]}'
    )


@pytest.mark.parametrize(
    ("annotation", "value", "text"),
    [
        (list[Point], [Point(1, datetime(2026, 1, 2, tzinfo=UTC))], '[{"x":1,"at":"2026-01-02T00:00:00Z"}]'),
        (dict[UUID, int], {UUID(int=1): 2}, '{"00000000-0000-0000-0000-000000000001":2}'),
        (tuple[Colour, Decimal], (Colour.RED, Decimal("1.0")), '["red",1.0]'),
        (Thing | None, None, "null"),
    ],
)
def test_so_does_whatever_pydantic_can_write(annotation: Any, value: Any, text: str) -> None:
    assert written(annotation, value) == text


def test_what_a_subclass_adds_is_not_declared_and_stays_here() -> None:
    assert "internal" not in written(Thing, HeavyThing(thing_id=1, colour=Colour.RED))


@pytest.mark.parametrize("annotation", [Any, int, Number, dict[str, list[Decimal] | None], "str | bool"])
def test_what_is_json_as_it_stands_is_left_untouched(annotation: Any) -> None:
    value = object()

    assert ResultType.of(returning(annotation)).to_json(value) is value


@pytest.mark.parametrize("value", [{"thingId": 1}, [1], "text"])
def test_what_is_of_another_type_than_the_declared_one_fails_the_attempt(value: Any) -> None:
    with pytest.raises(TypeError, match="`run` has returned what it does not declare to return"):
        written(Thing, value)
