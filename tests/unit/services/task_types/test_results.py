"""What a task type declares to return: its schema, and its JSON."""

import functools
import typing
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    RootModel,
    WithJsonSchema,
    field_serializer,
    model_serializer,
)
from simplejson import RawJSON

from services.primitives import exact_json
from services.task_types.errors import TaskTypeError
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


class Place(NamedTuple):
    x: Decimal
    y: int


class Amount(Decimal):
    """A kind of decimal."""


class Rate(Decimal, Enum):
    FULL = "1.10"


class Mixed(BaseModel):
    text: Annotated[Decimal, PlainSerializer(str, return_type=str)]
    anything: Any


MIXED = '{"text":"1","anything":[1.10,"00000000-0000-0000-0000-000000000001"]}'


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)
    x: int


class FrozenTree(BaseModel):
    """One whose schemas refer to each other."""

    leaf: Frozen
    leaves: set[Frozen]
    trees: "list[FrozenTree]"


class Wrapped(RootModel[int]):
    model_config = ConfigDict(frozen=True)


class Named(BaseModel):
    """One that has fields which are named as parts of a schema are."""

    default: int
    metadata: Decimal
    members: set[int]


class Elsewhere(BaseModel):
    field: Annotated[int, Field(json_schema_extra={"$ref": "#/components/schemas/Foreign"})]


class JsonAlone(BaseModel):
    @model_serializer(when_used="json")
    def as_text(self) -> str: ...  # type: ignore[empty-body]


class JsonAloneField(BaseModel):
    default: int

    @field_serializer("default", when_used="json")
    def as_text(self, _value: int) -> str: ...  # type: ignore[empty-body]


class Endless(BaseModel):
    numbers: Iterable[int]


class InFloats(BaseModel):
    model_config = ConfigDict(ser_json_timedelta="float")
    lasts: timedelta


AsFloat = Annotated[Decimal, PlainSerializer(float, return_type=float)]

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


@pytest.mark.parametrize("annotation", [Awaitable, typing.Awaitable, Coroutine, typing.Coroutine, "Awaitable"])
def test_an_awaitable_of_no_type_is_one_of_any_json(annotation: Any) -> None:
    def run(_item: Any, _context: Any) -> Any: ...

    run.__annotations__["return"] = annotation

    assert ResultType.of(run).json_schema(REFERENCE) == {}


def declare(run: Any) -> TaskType[Any]:
    example = [{"name": "a"}]
    return TaskType(name="echo", route="/v1/echo", summary="Echo", item=TaskItem, run=run, example=example)


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        (type("Handle", (), {}), r"Handle.*has no JSON schema \(Unable to generate"),
        (Callable[[int], int], r"has no JSON schema \(Cannot generate a JsonSchema"),
        ("KnownToTheTypeCheckerAlone", r"cannot be read \(name .* is not defined\): import it where TYPE_CHECKING"),
        ("no type", r"has no JSON schema \(Forward reference must be an expression"),
        (5, r"has no JSON schema"),
        ("", r"has no JSON schema \("),
        ("typing.nope", r"has no JSON schema \(AttributeError: .* no attribute 'nope'\)"),
        ("1/0", r"has no JSON schema \(ZeroDivisionError: division by zero\)"),
        (Elsewhere, r"has no JSON schema \(it refers to '#/components/schemas/Foreign', which is not there\)"),
        (JsonAlone, r"has a serializer that is for JSON alone"),
        (list[JsonAloneField], r"has a serializer that is for JSON alone"),
        (
            Annotated[int, PlainSerializer(str, when_used="json-unless-none")],
            r"has a serializer that is for JSON alone",
        ),
        (ZoneInfo, r"has a serializer that is for JSON alone"),
        (Iterable[Decimal], r"has an iterator in it, which is used up when it is checked: declare a list"),
        (Generator[int, None, None], r"has an iterator in it"),
        (list[Endless], r"has an iterator in it"),
        (InFloats, r"has a config with ser_json_timedelta='float'"),
        ("dict[str, InFloats | None]", r"has a config with ser_json_timedelta='float'"),
        (set[Frozen], r"has a set of what is written as an object or a list: declare a list"),
        (dict[str, frozenset[tuple[int, Frozen]]], r"has a set of what is written as an object or a list"),
        (FrozenTree, r"has a set of what is written as an object or a list"),
    ],
    ids=str,
)
def test_what_has_no_schema_or_is_written_otherwise_is_refused_when_the_type_is_declared(
    annotation: Any, said: str
) -> None:
    with pytest.raises(TaskTypeError, match=f"task type 'echo': what `run` declares to return, .*{said}") as refused:
        declare(returning(annotation))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("run", [5, None, "run", type])
def test_what_is_no_function_is_refused_as_such(run: Any) -> None:
    with pytest.raises(TaskTypeError, match="task type 'echo': `run` is to be an `async def`"):
        declare(run)


@pytest.mark.parametrize("annotation", [set[Wrapped], set[Colour | Decimal], frozenset[tuple[int, ...]], Named])
def test_a_set_of_what_can_be_in_one_is_none_that_is_refused(annotation: Any) -> None:
    assert ResultType.of(returning(annotation)).json_schema(REFERENCE)


def test_that_a_config_says_what_is_so_anyway_is_no_difference() -> None:
    class Plain(BaseModel):
        model_config = ConfigDict(ser_json_timedelta="iso8601", ser_json_bytes="utf8")
        lasts: timedelta

    assert written(Plain, Plain(lasts=timedelta(days=1))) == '{"lasts":"P1D"}'


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


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (Any, object()),
        (object, object()),
        (int, 10**30),
        (Number, Decimal("1.10")),
        (dict[str, list[Decimal] | None], {"a": [Decimal("1.10")], "b": None}),
        ("str | bool", True),
        (dict, {"a": object()}),
        (list, [object()]),
        (dict[str, Any], {"a": RawJSON("1.10")}),
    ],
)
def test_what_is_json_as_it_stands_is_left_untouched(annotation: Any, value: Any) -> None:
    assert ResultType.of(returning(annotation)).to_json(value) is value


@pytest.mark.parametrize(
    ("annotation", "value", "text"),
    [
        (deque[Decimal], deque([Decimal("1.10")]), "[1.10]"),
        (Sequence[Decimal], [Decimal("1.10")], "[1.10]"),
        (frozenset[tuple[Colour, Decimal]], frozenset({(Colour.RED, Decimal("1.10"))}), '[["red",1.10]]'),
        (set[Decimal], {Decimal("1.10")}, "[1.10]"),
        (OrderedDict[Colour, Decimal], OrderedDict([(Colour.RED, Decimal("1.10"))]), '{"red":1.10}'),
        (dict[date, Decimal], {date(2026, 1, 2): Decimal("1.10")}, '{"2026-01-02":1.10}'),
        (Place, Place(Decimal("1.10"), 2), "[1.10,2]"),
        (tuple[Decimal, int], Place(Decimal("1.10"), 2), "[1.10,2]"),
        (timedelta, timedelta(days=1), '"P1D"'),
        (Path, Path("/a"), '"/a"'),
        (bytes, b"text", '"text"'),
        (tuple[Decimal], (Amount("1.10"),), "[1.10]"),
        (tuple[Rate], (Rate.FULL,), '["1.10"]'),
        (AsFloat, Decimal("0.5"), "0.5"),
        (Mixed, Mixed(text=Decimal("1.10"), anything=RawJSON("1.10")), '{"text":"1.10","anything":1.10}'),
        (Mixed, Mixed(text=Decimal(1), anything=[{"a": RawJSON("1.10")}]), '{"text":"1","anything":[{"a":1.10}]}'),
        (Mixed, Mixed(text=Decimal(1), anything=(Decimal("1.10"), UUID(int=1))), MIXED),
        (
            Mixed,
            Mixed(text=Decimal(1), anything=(each for each in [Decimal("1.10")])),
            '{"text":"1","anything":[1.10]}',
        ),
    ],
)
def test_decimals_are_numbers_wherever_they_are_unless_their_serializer_says_otherwise(
    annotation: Any, value: Any, text: str
) -> None:
    assert written(annotation, value) == text


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (Thing, {"thingId": 1}),
        (Thing, [1]),
        (Thing, "text"),
        (int, "x"),
        (int, "1"),
        (int, None),
        (int, True),
        (bool, "false"),
        (bool, 0),
        (float, "1.5"),
        (Decimal, "1.5"),
        (str, 1),
        (None, 0),
        (Number, "1"),
        (dict[str, int], [1]),
        (dict[str, int], {"a": "1"}),
        (dict[str, Any], {1: 1}),
        (dict, Frozen(x=1)),
        (list[str], [1]),
        (list[int], (1,)),
        (list, {"a": 1}),
        ("str | None", 1),
        (Literal["a"], "b"),
        (Colour, "red"),
        (list[Colour], [None]),
        (tuple[int, int], (1,)),
        (Annotated[int, Field(ge=0)], -1),
        (Thing, Thing(thing_id=1, colour=Colour.RED).model_copy(update={"thing_id": "x"})),
    ],
)
def test_what_is_of_another_type_than_the_declared_one_fails_the_attempt(annotation: Any, value: Any) -> None:
    with pytest.raises(TypeError, match=r"^`run` has returned what it does not declare to return: ") as failed:
        written(annotation, value)
    assert "\n" not in str(failed.value)


def test_it_is_told_where_the_first_differences_are() -> None:
    with pytest.raises(TypeError) as failed:
        written(dict[str, list[int]], {"a": [1, "2"], "b": ["x", "y", "z"]})

    wrong = "Input should be a valid integer"
    assert str(failed.value).endswith(f"declare to return: a.1: {wrong}; b.0: {wrong}; b.1: {wrong}")


def test_a_model_is_not_validated_anew() -> None:
    class Counted(BaseModel):
        number: Annotated[int, AfterValidator(lambda number: seen.append(number) or number)]

    seen: list[int] = []
    counted = Counted(number=1)

    assert written(list[Counted], [counted]) == '[{"number":1}]'
    assert seen == [1]


@pytest.mark.parametrize(
    ("annotation", "value", "said"),
    [
        (bytes, b"\xff", "bytes that are no UTF-8"),
        (Mixed, Mixed(text=Decimal(1), anything=[b"\xff"]), "bytes that are no UTF-8"),
        (Mixed, Mixed(text=Decimal(1), anything=object()), "what JSON cannot carry: Unable to serialize unknown type"),
        (Mixed, Mixed(text=Decimal(1), anything={Frozen(x=1)}), "what JSON cannot carry: unhashable type"),
    ],
)
def test_what_json_cannot_carry_fails_the_attempt(annotation: Any, value: Any, said: str) -> None:
    with pytest.raises(TypeError, match=f"^`run` has returned {said}"):
        written(annotation, value)
