"""What `run` returns: its JSON schema for those who read callbacks, and its way into exact JSON. Pure."""

import inspect
import typing
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from pydantic import TypeAdapter
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticSerializationError, core_schema

# Values of these are what `exact_json` writes as it stands.
_OF_JSON = {"any", "none", "bool", "int", "float", "decimal", "str"}
_CONTAINERS = {"nullable", "union", "list", "dict", "tuple"}


class ResultSchema(GenerateJsonSchema):
    """pydantic's JSON schema, but for decimals: in an outcome they are numbers, digit by digit."""

    def decimal_schema(self, _schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """Return that of a number, whose bounds say nothing to who reads it."""
        return {"type": "number"}


@dataclass(frozen=True, slots=True)
class ResultType:
    """The type of a task type's results."""

    adapter: TypeAdapter[Any]
    is_json: bool
    """Whether `exact_json` writes each of its values as it stands."""

    @classmethod
    def of(cls, run: Callable[..., Awaitable[Any]]) -> "ResultType":
        """Return the type that the function declares as what it returns; one that declares none may return any JSON.

        Raises ValueError where there is no such type, or no JSON schema of it.
        """
        function = inspect.unwrap(run)
        declared = inspect.signature(function).return_annotation
        try:
            adapter: TypeAdapter[Any] = TypeAdapter(_awaited(function, _evaluated(function, declared)))
            _schema_of(adapter, "{model}")
        except NameError as error:
            raise ValueError(
                f"what `run` declares to return, {declared!r}, cannot be read ({error}): import it where TYPE_CHECKING"
                " does not decide, or define it above the task type"
            ) from error
        except (PydanticUserError, SyntaxError, TypeError) as error:
            # What pydantic advises behind it is for other cases.
            reason = str(error).partition("\n")[0].partition(". ")[0]
            raise ValueError(
                f"what `run` declares to return, {declared!r}, has no JSON schema ({reason}): declare a pydantic model,"
                " or another type that pydantic has a schema of, or Any, which is any JSON"
            ) from error
        return cls(adapter, _is_json(adapter.core_schema))

    def json_schema(self, ref_template: str) -> dict[str, Any]:
        """Return the JSON schema of a result in an outcome; what it refers to is in its `$defs`."""
        return _schema_of(self.adapter, ref_template)

    def to_json(self, value: Any) -> Any:
        """Return a result as what `exact_json` writes: pydantic's JSON, but for decimals, which stay numbers.

        Raises TypeError where pydantic finds it to be of another type than the declared one, by which callbacks are
        read.
        """
        if self.is_json:
            return value
        try:
            as_json = self.adapter.dump_python(value, mode="json", by_alias=True, warnings="error")
            return _with_decimals(as_json, self.adapter.dump_python(value, by_alias=True))
        except PydanticSerializationError as error:
            raise TypeError(f"`run` has returned what it does not declare to return: {error}") from error


def _schema_of(adapter: TypeAdapter[Any], ref_template: str) -> dict[str, Any]:
    # As that of an item of a list: so a model is referred to, and keeps its name.
    within = core_schema.list_schema(adapter.core_schema)
    schema = ResultSchema(ref_template=ref_template).generate(within, mode="serialization")
    definitions = {"$defs": schema["$defs"]} if "$defs" in schema else {}
    return {**schema["items"], **definitions}


def _evaluated(function: Any, declared: Any) -> Any:
    """Return the annotation, which may be a text, as the type that it names."""
    if declared is inspect.Signature.empty:
        return Any
    alone = SimpleNamespace(__annotations__={"return": declared})
    return typing.get_type_hints(alone, _globals_of(function), include_extras=True)["return"]


def _awaited(function: Any, annotation: Any) -> Any:
    """Return what awaiting the call gives: one that is no `async def` declares the awaitable itself."""
    if typing.get_origin(annotation) in {Awaitable, Coroutine} and not inspect.iscoroutinefunction(function):
        return typing.get_args(annotation)[-1]
    return annotation


def _globals_of(function: Any) -> dict[str, Any]:
    """Return the names of the module where the function is written, be it a method, a partial one or an object."""
    while hasattr(function, "func"):
        function = function.func
    if not hasattr(function, "__globals__"):
        function = getattr(function, "__func__", None) or type(function).__call__
    return getattr(function, "__globals__", {})


def _is_json(schema: Any) -> bool:
    kind = schema["type"]
    if "serialization" in schema or kind not in _OF_JSON | _CONTAINERS:
        return False
    return all(map(_is_json, _parts_of(schema)))


def _parts_of(schema: Any) -> Iterable[Any]:
    """Return the schemas of what a container holds."""
    for name in ("schema", "items_schema", "keys_schema", "values_schema", "choices"):
        part = schema.get(name, [])
        parts = part if isinstance(part, list) else [part]
        # A choice may have a label beside it.
        yield from (each[0] if isinstance(each, tuple) else each for each in parts)


def _with_decimals(as_json: Any, value: Any) -> Any:
    """Put back the decimals of which pydantic's JSON has made texts; `value` is the same, dumped as Python's values."""
    match as_json:
        case str() if isinstance(value, Decimal) and as_json == str(value):
            return value
        case dict() if isinstance(value, dict) and len(value) == len(as_json):
            pairs = zip(as_json.items(), value.values(), strict=True)
            return {name: _with_decimals(text, each) for (name, text), each in pairs}
        case list() if isinstance(value, list | tuple | set | frozenset) and len(value) == len(as_json):
            return [_with_decimals(text, each) for text, each in zip(as_json, value, strict=True)]
        case _:
            return as_json
