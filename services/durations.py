"""Durations as people say them."""

_UNITS_SECONDS = {"day": 86_400, "hour": 3600, "minute": 60, "second": 1}


def describe_duration(seconds: float) -> str:
    """Return the duration in whole numbers of its largest unit, such as `3 minutes`."""
    for unit, length_seconds in _UNITS_SECONDS.items():
        count = int(seconds // length_seconds)
        if count > 0:
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a second"
