"""Tables and numbers of a Markdown document."""

import math
from collections.abc import Iterable, Sequence

NEVER = "never"
"""What is written of an infinite time."""


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a column of numbers stands to the right."""
    rows = list(rows)
    rulers = ["---:" if all(map(_is_number, column)) else "---" for column in zip(*rows, strict=True)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rulers, *rows))


def _is_number(cell: str) -> bool:
    return cell == NEVER or cell.lstrip("*$")[:1].isdigit()


def number(value: float) -> str:
    """Write three significant digits at most, thousands parted by spaces."""
    if value == 0 or math.isinf(value):
        return "0" if value == 0 else NEVER
    digits = 2 - math.floor(math.log10(abs(value)))
    text = f"{round(value, digits):,.{max(digits, 0)}f}".replace(",", " ")
    return text.rstrip("0").rstrip(".") if "." in text else text


def whole(value: float) -> str:
    """Write a whole number, thousands parted by spaces."""
    return f"{value:,.0f}".replace(",", " ")


def dollars(value: float) -> str:
    """Write an amount in cents."""
    return f"${value:,.2f}".replace(",", " ")


def percent(part: float) -> str:
    """Write a part of 1."""
    return f"{100 * part:.0f} %"


def duration(seconds: float) -> str:
    """Write a time in its largest fitting unit."""
    if math.isinf(seconds):
        return NEVER
    for unit, length in (("h", 3600), ("min", 60), ("s", 1)):
        if seconds >= length:
            return f"{number(seconds / length)} {unit}"
    return f"{number(1000 * seconds)} ms"
