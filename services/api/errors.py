"""How the API words its errors."""

from typing import Any

from fastapi import HTTPException, Response, status
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from services.api.validation import MOST_ERRORS

COULD_NOT_BE_QUEUED = "Request processing failed due to an internal error."


class ErrorDetail(BaseModel):
    """Why the request was not accepted."""

    detail: str


class FieldError(BaseModel):
    """What is wrong at a place of the request."""

    type: str
    loc: list[str | int]
    msg: str
    input: Any = Field(default=None, description="The value, where it is no object and no list")
    ctx: dict[str, Any] = Field(default_factory=dict)


class MalformedRequest(BaseModel):
    """What is wrong with the request."""

    detail: list[FieldError] = Field(max_length=MOST_ERRORS)
    more_errors: int = Field(default_factory=int, description=f"How many there are beyond the first {MOST_ERRORS}")


class MalformedRequestError(Exception):
    """The request is answered 422; `content` is that of a `MalformedRequest`."""

    def __init__(self, content: bytes) -> None:
        super().__init__("the request is malformed")
        self.content = content


def answer_to(error: Exception) -> Response:
    """Return what a request is answered that was refused by the error; raise one that refuses none."""
    match error:
        case HTTPException():
            return JSONResponse({"detail": error.detail}, error.status_code, error.headers)
        case MalformedRequestError():
            return Response(error.content, status.HTTP_422_UNPROCESSABLE_CONTENT, media_type="application/json")
        case _:
            raise error
