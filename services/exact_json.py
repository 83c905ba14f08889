"""JSON whose numbers stay what they were: fractions are read as Decimal and written digit by digit."""

from decimal import DecimalException
from typing import Any

import simplejson


def loads(text: str | bytes, *, allow_nan: bool = False) -> Any:
    """Read JSON; fractions become Decimal.

    NaN and Infinity, which are no JSON (RFC 8259, section 6), are refused unless `allow_nan`, which reads them as
    floats so that a model can name their place. Raises ValueError for anything that is no JSON, too deep included.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode()
        return simplejson.loads(text, use_decimal=True, allow_nan=allow_nan)
    except simplejson.JSONDecodeError:
        raise
    except RecursionError:
        raise ValueError("JSON is nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("JSON must be UTF-8") from None
    except (ValueError, DecimalException):
        raise ValueError("JSON has a number with more digits than can be read") from None


def dumps(value: Any) -> str:
    """Write compact JSON in ASCII, which every transport takes. Raises ValueError for NaN and Infinity."""
    return simplejson.dumps(value, use_decimal=True, allow_nan=False, separators=(",", ":"))
