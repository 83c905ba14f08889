"""What the OpenAPI document says of callbacks: what is POSTed there, and what each answer to it means. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from services.api.schemas import REFERENCES, add_definitions, add_schema
from services.primitives.sqs_limits import LONGEST_DELAY_SECONDS, LONGEST_VISIBILITY_TIMEOUT_SECONDS
from services.task_types.names import pascal_case, schema_name
from services.task_types.task_type import TaskType

_EXPRESSION = "{$request.body#/callback_url}"

_RETRY_AFTER = {
    "Retry-After": {
        "description": "Seconds, or a date (RFC 9110, section 10.2.3). It is waited for: at most"
        f" {LONGEST_DELAY_SECONDS} seconds after the first attempts, {LONGEST_VISIBILITY_TIMEOUT_SECONDS} after a"
        " later one.",
        "schema": {"type": "string"},
    }
}
_REFUSED = "Not taken: it is delivered again, on a schedule of hours."

# As services/delivery/answers.py decides.
_ANSWERS = {
    "2XX": {"description": "Taken. Only an answer that is lost lets it come again, with the same `webhook-id`."},
    "3XX": {"description": f"{_REFUSED} Redirects are not followed.", "headers": _RETRY_AFTER},
    "410": {"description": "Final: it is not delivered again. An alert tells a person, for whom it is kept."},
    "429": {"description": _REFUSED, "headers": _RETRY_AFTER},
    "503": {"description": _REFUSED, "headers": _RETRY_AFTER},
    "default": {"description": f"{_REFUSED} So is what is not answered in time.", "headers": _RETRY_AFTER},
}


def _header(name: str, description: str, *, required: bool = True, **schema: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": description,
        "schema": {"type": "string", **schema},
    }


_HEADERS = [
    _header("webhook-id", "The `task_id`, over all retries: drop what you have. Standard Webhooks 1.0."),
    _header("webhook-timestamp", "When this attempt was made, in seconds since 1970 UTC.", pattern="^[0-9]+$"),
    _header(
        "webhook-signature",
        "Where the service has a signing secret: one signature or several, by which any Standard Webhooks library"
        " verifies id, timestamp and body.",
        required=False,
    ),
]


def results_of(task_types: Iterable[TaskType[Any]], components: dict[str, Any]) -> dict[str, Any]:
    """Return the schemas of the results, by the names of their task types.

    What these refer to is added to `components`, the document's.
    """
    types_by_owner = {schema_name(each.name, ""): each for each in task_types}
    schemas = {owner: each.result.json_schema(REFERENCES) for owner, each in types_by_owner.items()}
    add_definitions(components, schemas)
    return {each.name: schemas[owner] for owner, each in types_by_owner.items()}


def callbacks_of(
    task_type: TaskType[Any], components: dict[str, Any], request: dict[str, Any], result: dict[str, Any]
) -> dict[str, Any]:
    """Return the `callbacks` of the operation that accepts tasks of the type (OpenAPI 3.1, section 4.8.10).

    The schemas of what is sent are added to `components`, the document's; `request` refers to that of the request,
    `result` is that of a result.
    """
    operation = {
        "operationId": f"deliver{pascal_case(task_type.name)}Outcome",
        "summary": "The task's outcome",
        "description": "Success or failure, at least once: until a 2xx answers it, or a 410.",
        "parameters": _HEADERS,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _outcome(task_type, components, request, result)}},
        },
        "responses": _ANSWERS,
    }
    return {"outcome": {_EXPRESSION: {"post": operation}}}


def _outcome(
    task_type: TaskType[Any], components: dict[str, Any], request: dict[str, Any], result: dict[str, Any]
) -> dict[str, Any]:
    owner = schema_name(task_type.name, "")

    def add(kind: str, schema: dict[str, Any]) -> dict[str, Any]:
        return add_schema(components, schema_name(task_type.name, kind), schema, owner)

    done = add("DoneItem", _entry(result, "An item's result, by the item's name."))
    failed = add_schema(
        components, "FailedItem", _entry({"type": "string"}, "Why an item failed, by the item's name."), owner
    )
    success = _body(
        "The task was done, failed items included; both lists are in the request's order.",
        results={"type": "array", "items": done},
        errors={"type": "array", "items": failed},
    )
    failure = _body(
        "The task has failed for good.",
        results={"type": "array", "items": done, "maxItems": 0},
        errors={"type": "array", "items": _reason(request), "minItems": 1, "maxItems": 1},
    )
    description = (
        "What the callback is sent. That of a task which failed for good has `details` and `message` in its only error."
    )
    either = [add("Success", success), add("Failure", failure)]
    return add("Outcome", {"description": description, "anyOf": either})


def _body(description: str, **lists: Mapping[str, Any]) -> dict[str, Any]:
    properties = {**lists, "task_id": {"type": "string"}}
    return {"type": "object", "description": description, "properties": properties, "required": list(properties)}


def _entry(value: Mapping[str, Any], description: str) -> dict[str, Any]:
    return {
        "type": "object",
        "description": description,
        "additionalProperties": value,
        "minProperties": 1,
        "maxProperties": 1,
    }


def _reason(request: Mapping[str, Any]) -> dict[str, Any]:
    properties = {
        "details": {"type": "string", "description": "The reason, and how many attempts were made."},
        "message": {"description": "The request, as it was posted.", **request},
    }
    return {"type": "object", "properties": properties, "required": list(properties)}
