"""Reads the API's OpenAPI document: which task types there are, and what a request of each looks like. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

_JSON = "application/json"
_TAG = "tasks"
_TASK_TYPE = "x-task-type"
_REFERENCE = "#/"


def task_types_in(document: Mapping[str, Any], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return each task type's route, with the schemas of its request and of its headers, and an example.

    `names` are those of the task types that are known, by their routes. Raises ValueError where it is no document of
    tasks.
    """
    try:
        return [
            {
                "name": names.get(route) or operation.get(_TASK_TYPE, route),
                "route": route,
                "summary": operation.get("summary", route),
                "schema": resolved(content["schema"], document),
                "headers": _headers_of(operation, document),
                "example": _example_in(content),
            }
            for route, operation, content in _tasks_in(document)
        ]
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"the OpenAPI document is not understood: {error!r}") from error


def _tasks_in(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    for route, operations in document["paths"].items():
        operation = operations.get("post", {})
        if _TAG in operation.get("tags", []):
            yield route, operation, operation["requestBody"]["content"][_JSON]


def _headers_of(operation: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an object with the headers that a client may send."""
    headers = [each for each in operation.get("parameters", []) if each["in"] == "header"]
    return {
        "type": "object",
        "properties": {each["name"]: resolved(each["schema"], document) for each in headers},
        "required": [each["name"] for each in headers if each.get("required")],
    }


def _example_in(content: Mapping[str, Any]) -> Any:
    examples = list(content.get("examples", {}).values())
    return examples[0].get("value") if examples else content.get("example")


def resolved(schema: Any, document: Mapping[str, Any], path: frozenset[str] = frozenset()) -> Any:
    """Return a JSON schema in which each `$ref` into the document is replaced by what it refers to.

    What stands beside a `$ref` holds too (JSON Schema 2020-12, section 8.2.3.1). One that refers to what it is in
    becomes a schema of anything.
    """
    match schema:
        case {"$ref": str(reference), **beside} if reference.startswith(_REFERENCE):
            if reference in path:
                return beside
            inner = resolved(_at(document, reference), document, path | {reference})
            return {**inner, **resolved(beside, document, path)}
        case dict():
            return {name: resolved(value, document, path) for name, value in schema.items()}
        case list():
            return [resolved(value, document, path) for value in schema]
        case _:
            return schema


def _at(document: Mapping[str, Any], reference: str) -> Any:
    """Follow a JSON Pointer (RFC 6901)."""
    place: Any = document
    for part in reference.removeprefix(_REFERENCE).split("/"):
        place = place[part.replace("~1", "/").replace("~0", "~")]
    return place
