"""JSON that keeps every digit: numbers are decimals, and what came as JSON is passed on as it was written."""

from decimal import DecimalException
from typing import Any

import simplejson
from fastapi import Response

# As itself, and as its three bytes were decoded one by one.
_BYTE_ORDER_MARKS = ("\ufeff", "\xef\xbb\xbf")


class ExactJSONResponse(Response):
    """A JSON answer that may hold decimals and `RawJSON`."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Encode the content."""
        return simplejson.dumps(content).encode()


def parse(raw: bytes) -> Any:
    """The parsed JSON, or None where it is none (NaN and Infinity are none: RFC 8259, section 6)."""
    try:
        return simplejson.loads(_text(raw), use_decimal=True, allow_nan=False)
    except (ValueError, DecimalException, RecursionError):  # the last two: too many digits, nested too deep
        return None


def verbatim(raw: bytes) -> simplejson.RawJSON | None:
    """The same JSON for embedding in an answer, or None where it is none."""
    return None if parse(raw) is None else simplejson.RawJSON(_text(raw))


def _text(raw: bytes) -> str:
    """The text without a byte order mark (RFC 8259, section 8.1). Raises ValueError for what is no UTF-8.

    And for a second mark, which simplejson would pass over: inside another text it is no JSON.
    """
    text = raw.decode("utf-8-sig")
    if text.startswith(_BYTE_ORDER_MARKS):
        raise ValueError("JSON must not start with a byte order mark")
    return text


def pretty(value: Any) -> str:
    """Indented JSON for people."""
    try:
        return simplejson.dumps(value, indent=2, ensure_ascii=False)
    except RecursionError:  # writing takes a few levels more than reading
        return "(nested too deep to be shown)"
