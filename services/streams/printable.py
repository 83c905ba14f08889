"""Text that any terminal takes."""

import json
from typing import Any

from services.primitives import exact_json


def printable(text: str) -> str:
    """Write what no terminal prints, and what might command one, as JSON's escapes; in JSON it changes no value."""
    return "".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text)


def json_text(value: Any) -> str:
    """Return indented JSON that any terminal and any reader takes, its numbers to the digit."""
    return printable(exact_json.pretty(value))
