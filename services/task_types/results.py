"""What `run` returns: its JSON schema for those who read callbacks, and its way into exact JSON. Pure."""

import inspect
import typing
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import partial
from types import SimpleNamespace
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticSerializationError, core_schema, to_jsonable_python
from simplejson import RawJSON

# Values of these are what `exact_json` writes as it stands.
_OF_JSON = {"any", "none", "bool", "int", "float", "decimal", "str"}
# A tuple is none of them: one with names would be written as an object.
_CONTAINERS = {"nullable", "union", "list", "dict"}

# Those of pydantic's own serializers that are for JSON alone where they do not say when they are used.
_FOR_JSON_BY_DEFAULT = {"to-string", "format"}
# How JSON is written where a model's config does not say otherwise.
# https://docs.pydantic.dev/latest/api/config/
_JSON_CONFIG = {
    "ser_json_timedelta": "iso8601",
    "ser_json_temporal": "iso8601",
    "ser_json_bytes": "utf8",
    "ser_json_inf_nan": "null",
}
# What is written as an object or a list, of which there is no set.
_UNHASHABLE = {"model", "dataclass", "typed-dict", "list", "dict", "set", "deque", "ordered-dict", "counter"}
# What says nothing of types: values of the author's.
_NO_SCHEMAS = {"metadata", "default", "expected", "members"}

# What has schemas by names of the author's.
_BY_NAMES = {"fields", "choices"}

_MOST_DIFFERENCES = 3

_BARE_AWAITABLES = (Awaitable, Coroutine, typing.Awaitable, typing.Coroutine)

_AS_IT_STANDS = {str, int, float, bool, type(None), Decimal, RawJSON}


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
    is_one: Callable[[Any], bool]
    """Whether a value is one of the declared type, strictly; at the cost of no call that Python sees."""

    @classmethod
    def of(cls, run: Callable[..., Awaitable[Any]]) -> "ResultType":
        """Return the type that the function declares as what it returns; one that declares none may return any JSON.

        Raises ValueError where there is no such type, no JSON schema of it, or one that says otherwise than is written.
        """
        function = inspect.unwrap(run)
        declared = _declared_by(function)
        try:
            adapter: TypeAdapter[Any] = TypeAdapter(_awaited(function, _evaluated(function, declared)))
            _schema_of(adapter, "{model}")
        except NameError as error:
            raise ValueError(
                f"what `run` declares to return, {declared!r}, cannot be read ({error}): import it where TYPE_CHECKING"
                " does not decide, or define it above the task type"
            ) from error
        # A text may raise anything when it is evaluated, and so may a type that is asked for its schema.
        except Exception as error:
            raise ValueError(
                f"what `run` declares to return, {declared!r}, has no JSON schema ({_reason_of(error)}): declare a"
                " pydantic model, or another type that pydantic has a schema of, or Any, which is any JSON"
            ) from error
        if refusal := next(_refusals_of(adapter.core_schema), None):
            raise ValueError(f"what `run` declares to return, {declared!r}, {refusal}")
        is_one = partial(adapter.validator.isinstance_python, strict=True)
        return cls(adapter, _is_json(adapter.core_schema), is_one)

    def json_schema(self, ref_template: str) -> dict[str, Any]:
        """Return the JSON schema of a result in an outcome; what it refers to is in its `$defs`."""
        return _schema_of(self.adapter, ref_template)

    def to_json(self, value: Any) -> Any:
        """Return a result as what `exact_json` writes: pydantic's JSON, but for decimals, which stay numbers.

        Raises TypeError where it is of another type than the declared one, by which callbacks are read, and where it
        has what JSON cannot carry. It is checked strictly: "1" is no int. A model is as it was made.
        """
        if self.adapter.core_schema["type"] == "any":
            return value
        try:
            self.adapter.validator.validate_python(value, strict=True)
            if self.is_json:
                return value
            dumped = self.adapter.dump_python(value, by_alias=True, warnings="error")
        except (ValidationError, PydanticSerializationError) as error:
            raise TypeError(
                f"`run` has returned what it does not declare to return: {_differences_in(error)}"
            ) from error
        except (TypeError, ValueError, RecursionError) as error:
            raise _no_json(error) from error
        try:
            return _as_json(dumped)
        except (TypeError, ValueError, RecursionError) as error:
            raise _no_json(error) from error


def _schema_of(adapter: TypeAdapter[Any], ref_template: str) -> dict[str, Any]:
    # As that of an item of a list: so a model is referred to, and keeps its name.
    within = core_schema.list_schema(adapter.core_schema)
    schema = ResultSchema(ref_template=ref_template).generate(within, mode="serialization")
    definitions = {"$defs": schema["$defs"]} if "$defs" in schema else {}
    return {**schema["items"], **definitions}


def _no_json(error: Exception) -> TypeError:
    if isinstance(error, UnicodeDecodeError):
        return TypeError(
            f"`run` has returned bytes that are no UTF-8: encode them, as by base64, or decode them ({error})"
        )
    return TypeError(f"`run` has returned what JSON cannot carry: {error}")


def _declared_by(function: Any) -> Any:
    try:
        return inspect.signature(function).return_annotation
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`run` is to be an `async def`, or another function whose result is awaited: {error}"
        ) from error


def _evaluated(function: Any, declared: Any) -> Any:
    """Return the annotation, which may be a text, as the type that it names."""
    if declared is inspect.Signature.empty:
        return Any
    alone = SimpleNamespace(__annotations__={"return": declared})
    return typing.get_type_hints(alone, _globals_of(function), include_extras=True)["return"]


def _awaited(function: Any, annotation: Any) -> Any:
    """Return what awaiting the call gives: one that is no `async def` declares the awaitable itself."""
    if inspect.iscoroutinefunction(function):
        return annotation
    if annotation in _BARE_AWAITABLES:
        return Any
    if typing.get_origin(annotation) in {Awaitable, Coroutine}:
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


def _reason_of(error: Exception) -> str:
    """Return what was wrong; what pydantic advises behind it is for other cases."""
    reason = str(error).partition("\n")[0].partition(". ")[0]
    if isinstance(error, KeyError):
        return f"it refers to {reason}, which is not there"
    is_sentence = isinstance(error, PydanticUserError | SyntaxError | TypeError)
    return reason if is_sentence else f"{type(error).__name__}: {reason}"


def _differences_in(error: ValidationError | PydanticSerializationError) -> str:
    """Return where the value differs from its type, in one line, and at most three places."""
    if isinstance(error, ValidationError):
        differences = error.errors(include_url=False, include_context=False, include_input=False)[:_MOST_DIFFERENCES]
        return "; ".join(
            ": ".join(filter(None, [".".join(map(str, each["loc"])), each["msg"]])) for each in differences
        )
    # The first line of several says that others follow.
    first, *others = str(error).splitlines()
    return "; ".join(line.strip() for line in (others or [first])[:_MOST_DIFFERENCES])


def _refusals_of(root: Any) -> Iterator[str]:
    """Say what would be written otherwise than the JSON schema has it, as what is dumped is Python's values."""
    definitions = {each["ref"]: each for each in _schemas_in(root) if "ref" in each}
    for schema in _schemas_in(root):
        if schema.get("type") == "generator":
            yield "has an iterator in it, which is used up when it is checked: declare a list"
        if schema.get("type") in {"set", "frozenset"} and any(map(_is_unhashable, _reached(schema, definitions))):
            yield "has a set of what is written as an object or a list: declare a list"
        if _is_for_json_alone(schema.get("serialization")):
            yield (
                "has a serializer that is for JSON alone (`when_used`), or a type of which pydantic has such a one:"
                " let it be used always"
            )
        for name in _JSON_CONFIG.keys() & schema.keys():
            if schema[name] != _JSON_CONFIG[name]:
                yield f"has a config with {name}={schema[name]!r}: leave it out, and give the fields a serializer"


def _schemas_in(schema: Any) -> Iterator[dict[str, Any]]:
    """Return a core schema, and all that are in it, each with its serializer and its config."""
    if isinstance(schema, list | tuple):
        for each in schema:
            yield from _schemas_in(each)
    if not isinstance(schema, dict):
        return
    yield schema
    for key, part in schema.items():
        if key in _BY_NAMES and isinstance(part, dict):
            yield from _schemas_in([*part.values()])
        elif key not in _NO_SCHEMAS:
            yield from _schemas_in(part)


def _reached(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return all schemas of what a set holds, those too that are referred to."""
    pending = [schema.get("items_schema")]
    seen = set()
    for each in pending:
        for part in _schemas_in(each):
            yield part
            reference = part.get("schema_ref")
            if reference and reference not in seen:
                seen.add(reference)
                pending.append(definitions[reference])


def _is_unhashable(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") in _UNHASHABLE and not schema.get("root_model")


def _is_for_json_alone(serializer: Any) -> bool:
    if not serializer:
        return False
    by_default = "json-unless-none" if serializer["type"] in _FOR_JSON_BY_DEFAULT else "always"
    return serializer.get("when_used", by_default) in {"json", "json-unless-none"}


def _as_json(value: Any) -> Any:
    """Return what pydantic has dumped for Python as JSON's, its decimals to the digit."""
    if type(value) in _AS_IT_STANDS or (isinstance(value, Decimal) and not isinstance(value, Enum)):
        return value
    if isinstance(value, dict):
        return {_key_of(key): _as_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset | deque | Iterator):
        return [_as_json(each) for each in value]
    return to_jsonable_python(value)


def _key_of(key: Any) -> Any:
    return key if type(key) is str else next(iter(to_jsonable_python({key: None})))
