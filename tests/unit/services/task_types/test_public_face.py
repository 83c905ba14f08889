"""What authors of task types import, and hold on to over releases: it may grow, and nothing of it may go or change."""

import dataclasses
import inspect
from types import ModuleType
from typing import Any

import httpx2
import pytest
from pydantic import BaseModel

from services import task_types
from services.task_types import exact_json, http

NAMES = {
    task_types: {
        "HeldBytes": "(total: int = 0)",
        "ItemError": "exception",
        "PermanentError": "(message: str, attempts: int | None = None)",
        "RetryLaterError": "(message: str, after_seconds: float | None = None)",
        "Settings": "model (log_level, log_format)",
        "TargetUrl": "type",
        "TaskContext": "(task_id, attempt, http, settings = …, held = …)",
        "TaskItem": "model (name)",
        "TaskType": "(*, name, route, summary, item, run, example, max_attempts = …, retry_delay_seconds = …,"
        " item_concurrency = …, settings = …, aws_services = …, iam_statements = …)",
        "was_accepted": "(info: pydantic_core.core_schema.ValidationInfo) -> bool",
    },
    http: {
        "ACCEPT_ENCODING": "str",
        "HTTP_ERRORS": "tuple",
        "ForbiddenTargetError": "(host: str, port: int)",
        "RequestHeaders": "type",
        "ResponseTooLargeError": "exception",
        "UrlError": "(message: str, attempts: int | None = None)",
        "describe_http_error": "(error: Exception) -> str",
        "describe_refusal": "(response: httpx2.Response) -> str",
        "has_credentials": "(text: str) -> bool",
        "read_body": "(response: httpx2.Response, max_bytes: int,"
        " count: collections.abc.Callable[[int], None] | None = None) -> bytes",
    },
    exact_json: {
        "compact": "(text: str | bytes) -> simplejson.raw_json.RawJSON",
        "dumps": "(value: Any) -> str",
        "loads": "(text: str | bytes, *, allow_nan: bool = False, max_depth: int = 200) -> Any",
        "pretty": "(value: Any) -> str",
    },
}


@pytest.mark.parametrize("module", NAMES, ids=lambda module: module.__name__)
def test_the_names_are_these_and_no_others(module: ModuleType) -> None:
    assert sorted(NAMES[module]) == sorted(module.__all__)


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, names in NAMES.items() for name in names], ids=str
)
def test_each_is_made_or_called_as_it_was(module: ModuleType, name: str) -> None:
    assert _shape_of(getattr(module, name)) == NAMES[module][name]


def test_a_context_has_what_it_had() -> None:
    assert _types_of(task_types.TaskContext) == {
        "task_id": str,
        "attempt": int,
        "http": httpx2.AsyncClient,
        "settings": task_types.TaskContext.__parameters__[0],  # type: ignore[attr-defined]
        "held": task_types.HeldBytes,
    }


def test_what_a_task_type_may_leave_out_is_as_it_was() -> None:
    defaults = {
        each.name: each.default
        for each in dataclasses.fields(task_types.TaskType)
        if each.default is not dataclasses.MISSING
    }
    assert defaults == {
        "max_attempts": 3,
        "retry_delay_seconds": 5,
        "item_concurrency": 1,
        "settings": task_types.Settings,
        "aws_services": (),
        "iam_statements": (),
    }


def _types_of(class_: Any) -> dict[str, Any]:
    return {each.name: each.type for each in dataclasses.fields(class_)}


def _shape_of(value: Any) -> str:
    match value:
        case type() if issubclass(value, BaseModel):
            return f"model ({', '.join(value.model_fields)})"
        case type() if value in {task_types.TaskContext, task_types.TaskType}:
            return _without_types(inspect.signature(value))
        case task_types.ItemError | http.ResponseTooLargeError:
            return "exception"
        case type():
            return str(inspect.signature(value)).removesuffix(" -> None")
        case _ if inspect.isfunction(value):
            return str(inspect.signature(value)).replace("typing.Any", "Any")
        case _:
            return type(value).__name__ if isinstance(value, str | tuple) else "type"


def _without_types(signature: inspect.Signature) -> str:
    """The names alone: what a generic's fields are typed with reads differently from one Python to the next."""
    names = [
        f"{each.name} = …" if each.default is not inspect.Parameter.empty else each.name
        for each in signature.parameters.values()
    ]
    keyword_only = all(each.kind is each.KEYWORD_ONLY for each in signature.parameters.values())
    return f"({', '.join((['*'] if keyword_only else []) + names)})"
