"""The API's OpenAPI document: FastAPI's, with what callbacks hear, and its examples to the digit."""

from functools import cache
from typing import Any

from fastapi import FastAPI, Request, Response

from services.api.callback_document import callbacks_of, results_of
from services.api.schemas import name_by_identifiers, name_what_has_a_default
from services.api.task_routes import EXAMPLE, TaskRoute
from services.primitives import exact_json


def document_callbacks(app: FastAPI) -> None:
    """Complete the application's document, when it is first asked for, so that clients can be generated from it."""
    by_fastapi = app.openapi

    @cache
    def complete() -> dict[str, Any]:
        document = by_fastapi()
        components = name_by_identifiers(document)
        routes = _task_routes(app)
        for route in routes:
            _complete_request(document, components, route)
        results = results_of((route.task_type for route in routes), components)
        for route in routes:
            request = _content(document, route)["schema"]
            result = results[route.task_type.name]
            callbacks = callbacks_of(route.task_type, components, request, result)
            document["paths"][route.path]["post"]["callbacks"] = callbacks
        return document

    # FastAPI's own way: https://fastapi.tiangolo.com/how-to/extending-openapi/
    app.openapi = complete  # type: ignore[method-assign]


async def openapi(request: Request) -> Response:
    """Answer with the document, its examples to the digit: FastAPI would make floats of their numbers."""
    document = request.app.openapi()
    for route in _task_routes(request.app):
        _content(document, route)["examples"][EXAMPLE]["value"] = route.example
    return Response(exact_json.dumps(document), media_type="application/json")


def _task_routes(app: FastAPI) -> list[TaskRoute]:
    return [route for route in app.routes if isinstance(route, TaskRoute)]


def _content(document: dict[str, Any], route: TaskRoute) -> dict[str, Any]:
    content: dict[str, Any] = document["paths"][route.path]["post"]["requestBody"]["content"]["application/json"]
    return content


def _complete_request(document: dict[str, Any], components: dict[str, Any], route: TaskRoute) -> None:
    """Say of a request what generators of clients need: FastAPI does not."""
    for parameter in document["paths"][route.path]["post"]["parameters"]:
        parameter["schema"] = _without_null(parameter["schema"])
    name_what_has_a_default(components, _content(document, route)["schema"])


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a header that may be left out: None, by which Python says so, cannot be sent."""
    match schema:
        case {"anyOf": [one, {"type": "null"}], **others}:
            return {**one, **others}
        case {"anyOf": [*several, {"type": "null"}], **others}:
            return {"anyOf": several, **others}
        case _:
            return schema
