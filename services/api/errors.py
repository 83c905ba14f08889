"""How the API words its errors."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from fastapi import Request, Response, status
from fastapi.exceptions import RequestValidationError

from services import exact_json

COULD_NOT_BE_QUEUED = "Request processing failed due to an internal error."


async def answer_validation_error(_request: Request, error: Exception) -> Response:
    """Answer FastAPI's 422.

    A value that is an object, a list or no JSON is named by its place alone: it could be as large and as deep as the
    request, and it would be repeated with each error in it.
    """
    if not isinstance(error, RequestValidationError):
        raise error
    content = exact_json.dumps({"detail": [_readable(details) for details in error.errors()]})
    return Response(content, status.HTTP_422_UNPROCESSABLE_CONTENT, media_type="application/json")


def _readable(details: Mapping[str, Any]) -> dict[str, Any]:
    readable = {name: details[name] for name in ("type", "loc", "msg")}
    match details.get("input"):
        case dict() | list() | bytes():
            pass
        case float() | Decimal() as number:
            # As text: JSON cannot carry NaN, and few readers take 1e999999.
            readable["input"] = str(number)
        case value:
            readable["input"] = value
    if "ctx" in details:
        readable["ctx"] = {name: each if isinstance(each, int) else str(each) for name, each in details["ctx"].items()}
    return readable
