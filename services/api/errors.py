"""How the API words its errors."""

import math
from decimal import Decimal
from typing import Any

from fastapi import Request, status
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

COULD_NOT_BE_QUEUED = "Request processing failed due to an internal error."


async def answer_validation_error(_request: Request, error: Exception) -> JSONResponse:
    """Answer FastAPI's 422; the input that was NaN or Infinity is named by its text, for JSON cannot carry it."""
    if not isinstance(error, RequestValidationError):
        raise error
    # As text: the encoder would write 1e999999 out, digit by digit.
    detail = _without_non_finite(jsonable_encoder(error.errors(), custom_encoder={Decimal: str}))
    return JSONResponse({"detail": detail}, status.HTTP_422_UNPROCESSABLE_CONTENT)


def _without_non_finite(value: Any) -> Any:
    match value:
        case float() if not math.isfinite(value):
            return str(value)
        case dict():
            return {key: _without_non_finite(each) for key, each in value.items()}
        case list():
            return [_without_non_finite(each) for each in value]
        case _:
            return value
