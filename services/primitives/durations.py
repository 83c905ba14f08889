"""Durations as people write and read them: 90s, 2h, 1h30m."""

import re
from itertools import pairwise

_UNITS = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
_AGE = re.compile("".join(rf"(?:([0-9]{{1,9}}){unit})?" for unit in _UNITS))


def parse_age(text: str) -> int:
    """Return the age in seconds. Raises ValueError, which says what an age looks like."""
    match = _AGE.fullmatch(text)
    numbers = match.groups() if match else ()
    if not any(numbers):
        raise ValueError(f"{text!r} is no age: give days, hours, minutes or seconds, such as 3d, 2h, 1h30m or 90s")
    return sum(int(number or 0) * seconds for number, seconds in zip(numbers, _UNITS.values(), strict=True))


def describe_duration(seconds: float) -> str:
    """Write the duration in its largest unit and the one below: `2h 5m`."""
    whole = max(int(seconds), 0)
    for (unit, unit_seconds), (lower, lower_seconds) in pairwise(_UNITS.items()):
        number, rest = divmod(whole, unit_seconds)
        if number:
            below = rest // lower_seconds
            return f"{number}{unit} {below}{lower}" if below else f"{number}{unit}"
    return f"{whole}s"
