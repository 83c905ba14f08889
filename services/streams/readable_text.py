"""Text for an encoding that lacks some of its characters, as in the C locale: readable, and never an error.

The names of these error handlers (`codecs.register_error`) can be given wherever `errors=` can.
"""

import codecs
import json
from collections.abc import Callable

READABLE = "readable"
"""For people: what looks alike, else JSON's escape."""

JSON_ESCAPES = "json-escapes"
"""For programs: in JSON it changes no value."""

_ALIKE = {
    "…": "...",
    "—": "-",
    "\N{EN DASH}": "-",
    "·": "-",
    "\N{MULTIPLICATION SIGN}": "x",
    "≥": ">=",
    "≤": "<=",
    "→": "->",
    "✓": "+",
    "✗": "x",
    "↻": "~",
    "⋮": ":",
    "⏎": "|",
    "●": "*",
}


def _readable(character: str) -> str:
    return _ALIKE.get(character) or _json_escape(character)


def _json_escape(character: str) -> str:
    return json.dumps(character)[1:-1]


def _handler(replace: Callable[[str], str]) -> Callable[[UnicodeError], tuple[str, int]]:
    def handle(error: UnicodeError) -> tuple[str, int]:
        if not isinstance(error, UnicodeEncodeError):
            raise error
        return "".join(map(replace, error.object[error.start : error.end])), error.end

    return handle


codecs.register_error(READABLE, _handler(_readable))
codecs.register_error(JSON_ESCAPES, _handler(_json_escape))
