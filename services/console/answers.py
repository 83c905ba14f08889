"""The console's answers: JSON without secrets, and for every error a line that says what to do."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException

from services.console.api_client import ApiError, NoTaskRouteError, UnknownHeaderError
from services.console.dead_letters import BusyError
from services.dead_letters.errors import (
    BROKER_ERRORS,
    DlqError,
    InterruptionError,
    NotOneMessageError,
    UsageError,
    of_broker,
)
from services.primitives import exact_json
from services.telemetry.redaction import redact
from web.pages import CONTENT_SECURITY_POLICY

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Those of every answer."""

_MOST_ERRORS = 20
_MOST_CHARACTERS = 5000

_STATUSES: dict[type[DlqError], HTTPStatus] = {
    UsageError: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotOneMessageError: HTTPStatus.NOT_FOUND,
    InterruptionError: HTTPStatus.SERVICE_UNAVAILABLE,
    BusyError: HTTPStatus.CONFLICT,
}


def answer(content: Any, status: int = HTTPStatus.OK) -> Response:
    """Return the content as JSON, its numbers to the digit."""
    return json_answer(exact_json.dumps(content), status)


def json_answer(text: str, status: int = HTTPStatus.OK) -> Response:
    """Return what is JSON already."""
    return Response(redact(text), status, media_type="application/json", headers={"Cache-Control": "no-store"})


def error_answer(detail: str, status: int) -> Response:
    """Return an error."""
    return answer({"detail": detail}, status)


def answer_errors(app: FastAPI) -> None:
    """Let the application word its errors; of what nobody expected the client hears nothing but that."""
    app.add_exception_handler(StarletteHTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(DlqError, _of_dlq)
    app.add_exception_handler(ApiError, _of_api)
    app.add_exception_handler(NoTaskRouteError, _of_route)
    app.add_exception_handler(UnknownHeaderError, _of_route)
    for error in BROKER_ERRORS:
        app.add_exception_handler(error, _of_broker)
    app.add_exception_handler(Exception, _of_bug)


async def _of_http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)  # noqa: S101  # it was registered for these
    response = error_answer(str(error.detail), error.status_code)
    response.headers.update(error.headers or {})
    return response


async def _of_validation(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # the same
    return error_answer(validation_detail(error.errors()), HTTPStatus.UNPROCESSABLE_ENTITY)


async def _of_dlq(_request: Request, error: Exception) -> Response:
    assert isinstance(error, DlqError)  # noqa: S101  # the same
    return error_answer(str(error), _STATUSES.get(type(error), HTTPStatus.BAD_GATEWAY))


async def _of_broker(request: Request, error: Exception) -> Response:
    return await _of_dlq(request, of_broker(error))


async def _of_api(_request: Request, error: Exception) -> Response:
    return error_answer(str(error), HTTPStatus.BAD_GATEWAY)


async def _of_route(_request: Request, error: Exception) -> Response:
    return error_answer(str(error), HTTPStatus.UNPROCESSABLE_ENTITY)


async def _of_bug(_request: Request, _error: Exception) -> Response:
    # The server logs it. The framework sends it outside the middleware that adds the headers to the others.
    response = error_answer("The console failed at this request: its log says why.", HTTPStatus.INTERNAL_SERVER_ERROR)
    response.headers.update(HEADERS)
    return response


def validation_detail(errors: Sequence[Any]) -> str:
    """Return what is wrong with a request, each with its place, in one line: the first few errors."""
    text = "; ".join(f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in errors[:_MOST_ERRORS])
    more = f"; and {len(errors) - _MOST_ERRORS} more" if len(errors) > _MOST_ERRORS else ""
    return f"{text[:_MOST_CHARACTERS]}{more}"
