"""JSON whose numbers stay what they were: fractions are read as Decimal and written digit by digit."""

import codecs
from decimal import Decimal, DecimalException
from typing import Any

import simplejson

MAX_DEPTH = 200
"""How deep objects and lists may be nested. What is read must be written again, inside others, on any stack: the
interpreter's own limit depends on where it stands."""

# The reader would pass over them; inside another text they are no JSON.
_BYTE_ORDER_MARKS = ("\ufeff", "\xef\xbb\xbf")

# Made once: `simplejson.dumps` makes one at each call.
_encode = simplejson.JSONEncoder(use_decimal=True, allow_nan=False, separators=(",", ":")).encode

_TOO_DEEP = "JSON is nested too deeply"

# Made once: `simplejson.loads` makes one at each call.
_READER = simplejson.JSONDecoder(parse_float=Decimal)
_READER_WITH_NAN = simplejson.JSONDecoder(parse_float=Decimal, allow_nan=True)


def loads(text: str | bytes, *, allow_nan: bool = False, max_depth: int = MAX_DEPTH) -> Any:
    """Read JSON; fractions become Decimal.

    NaN and Infinity, which are no JSON (RFC 8259, section 6), are refused unless `allow_nan`, which reads them as
    floats so that a model can name their place. Bytes may begin with a byte order mark (section 8.1). Raises ValueError
    for anything that is no JSON, and for what is nested deeper than `max_depth`.
    """
    try:
        text = _without_mark(text)
        value = (_READER_WITH_NAN if allow_nan else _READER).decode(text)
    except simplejson.JSONDecodeError:
        raise
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    except UnicodeDecodeError:
        raise ValueError("JSON must be UTF-8") from None
    except (ValueError, DecimalException):
        raise ValueError("JSON has a number with more digits than can be read") from None
    if _may_be_deeper(text, max_depth) and _is_deeper(value, max_depth):
        raise ValueError(_TOO_DEEP)
    return value


def compact(text: str | bytes) -> simplejson.RawJSON:
    """Read JSON as `loads` does, and return it as a value that is its text, which `dumps` writes as it stands.

    It takes as many bytes as the text has, where dicts, lists and Decimals take 8 times as many, at worst 40 times.
    """
    return simplejson.RawJSON(dumps(loads(text)))


def decode(body: bytes) -> str:
    """Return the text of JSON that came as bytes, which may begin with a byte order mark. Raises UnicodeDecodeError."""
    return body.removeprefix(codecs.BOM_UTF8).decode()


def _without_mark(text: str | bytes) -> str:
    if isinstance(text, bytes):
        text = decode(text)
    if text.startswith(_BYTE_ORDER_MARKS):
        raise simplejson.JSONDecodeError("JSON must not start with a byte order mark", text, 0)
    return text


def _may_be_deeper(text: str, depth: int) -> bool:
    # Each level has an opening of its own: to count them is cheaper than to walk what was read.
    return text.count("[") + text.count("{") > depth


def _is_deeper(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth + 1):
        containers = [each for each in level if isinstance(each, dict | list)]
        if not containers:
            return False
        level = [child for each in containers for child in (each.values() if isinstance(each, dict) else each)]
    return True


def dumps(value: Any) -> str:
    """Write compact JSON in ASCII, which every transport takes. Raises ValueError for NaN and Infinity."""
    return _encode(value)


def pretty(value: Any) -> str:
    """Write indented JSON for a person to read, not in ASCII. Raises ValueError for NaN and Infinity."""
    return simplejson.dumps(value, use_decimal=True, allow_nan=False, indent=2, ensure_ascii=False)
