"""JSON that keeps every digit: numbers are decimals, and what came as JSON is passed on as it was written."""

from decimal import DecimalException
from typing import Any

import simplejson
from fastapi import Response


class ExactJSONResponse(Response):
    """A JSON answer that may hold decimals and `RawJSON`."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Encode the content."""
        return simplejson.dumps(content).encode()


def parse(raw: bytes) -> Any:
    """The parsed JSON, or None where it is none (NaN and Infinity are none: RFC 8259, section 6)."""
    try:
        return simplejson.loads(raw.decode(), use_decimal=True, allow_nan=False)
    except (ValueError, DecimalException, RecursionError):  # the last two: too many digits, nested too deep
        return None


def verbatim(raw: bytes) -> simplejson.RawJSON | None:
    """The same JSON for embedding in an answer, or None where it is none."""
    return None if parse(raw) is None else simplejson.RawJSON(raw.decode("utf-8-sig"))


def pretty(value: Any) -> str:
    """Indented JSON for people."""
    try:
        return simplejson.dumps(value, indent=2, ensure_ascii=False)
    except RecursionError:  # writing takes a few levels more than reading
        return "(nested too deep to be shown)"
