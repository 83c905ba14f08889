"""Says what is wrong with the body of a task's request, in a bounded answer. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter, ValidationError

from services.outbound.targets import TargetRules
from services.primitives import exact_json
from services.task_types.task_type import TaskType

MOST_ERRORS = 100
"""So many are listed; of more only their number is given."""

MOST_CHARACTERS = 500
"""Of each text in an error: a name, a value or a message could be as long as the request, in every error."""


_BODY = ("body",)


@dataclass(frozen=True, slots=True)
class RequestModel:
    """What a task's request must be: of this type, with URLs that the rules allow."""

    adapter: TypeAdapter[Any]
    rules: TargetRules

    @classmethod
    def of(cls, task_type: TaskType[Any], rules: TargetRules) -> "RequestModel":
        """Return that of a task type."""
        return cls(TypeAdapter(task_type.request_model), rules)

    def validate(self, value: Any) -> None:
        """Raise pydantic's ValidationError for what is none."""
        self.adapter.validate_python(value, context=self.rules)


def faults_of_body(model: RequestModel, body: bytes) -> bytes | None:
    """Return the content of the 422 that a body is answered with, None where it is one of the model's."""
    try:
        value = exact_json.loads(body)
        model.validate(value)
    except ValidationError as error:
        return _faults_of_value(model, value, error)
    except ValueError as error:
        return _faults_of_json(model, body, error)
    return None


def faults(error: ValidationError, *place: str) -> bytes:
    """Return the content of the 422 for the error at a place of the request."""
    return _content(error.errors(include_url=False), place, error.error_count())


def _faults_of_value(model: RequestModel, value: Any, error: ValidationError) -> bytes:
    return _content(_first_errors(model, value, error), _BODY, error.error_count())


def _faults_of_json(model: RequestModel, body: bytes, error: ValueError) -> bytes:
    """Name the place of NaN and Infinity by the model, where it refuses them; of all else by the error."""
    details = {
        "type": "json_invalid",
        "loc": (getattr(error, "pos", 0),),
        "msg": "JSON decode error",
        "ctx": {"error": error},
    }
    try:
        value = exact_json.loads(body, allow_nan=True)
        model.validate(value)
    except ValidationError as by_model:
        return _faults_of_value(model, value, by_model)
    except ValueError:
        pass
    return _content([details], _BODY, 1)


def _error_of(model: RequestModel, value: Any) -> ValidationError | None:
    try:
        model.validate(value)
    except ValidationError as error:
        return error
    return None


def _first_errors(model: RequestModel, value: Any, error: ValidationError) -> Sequence[Mapping[str, Any]]:
    """Return the first errors, at least as many as are listed.

    To make them takes several times as long as to find them, and a part cannot be made: so it is done for as few items
    as have enough of them.
    """
    items = value.get("message") if isinstance(value, dict) else None
    count = 1
    while isinstance(items, list) and count < len(items) and error.error_count() > MOST_ERRORS:
        part = _error_of(model, {**value, "message": items[:count]})
        if part is not None and part.error_count() >= MOST_ERRORS:
            return part.errors(include_url=False)
        count *= 2
    return error.errors(include_url=False)


def _content(errors: Sequence[Mapping[str, Any]], place: Sequence[str], count: int) -> bytes:
    listed = {"detail": [_readable(details, place) for details in errors[:MOST_ERRORS]]}
    more = {"more_errors": count - MOST_ERRORS} if count > MOST_ERRORS else {}
    return exact_json.dumps(listed | more).encode()


def _readable(details: Mapping[str, Any], place: Sequence[str]) -> dict[str, Any]:
    """Return an error as it is listed.

    A value that is an object, a list or no JSON is named by its place alone: it could be as large and as deep as the
    request.
    """
    readable = {
        "type": details["type"],
        "loc": [*place, *(_short(part) for part in details["loc"])],
        "msg": _short(details["msg"]),
    }
    match details.get("input", {}):
        case dict() | list() | bytes():
            pass
        case float() | Decimal() as number:
            # As text: JSON cannot carry NaN, and few readers take 1e999999.
            readable["input"] = _short(str(number))
        case value:
            readable["input"] = _short(value)
    if "ctx" in details:
        context = details["ctx"].items()
        readable["ctx"] = {name: each if isinstance(each, int) else _short(str(each)) for name, each in context}
    return readable


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MOST_CHARACTERS:
        return f"{value[:MOST_CHARACTERS]}…"
    return value
