"""Reads a Retry-After header: the one place where a date of an answer is read."""

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after_seconds(value: str | None, now: datetime) -> float | None:
    """Read a Retry-After header, seconds or a date (RFC 9110, section 10.2.3); None where there is no sense in it."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = _seconds_until(value, now)
    return max(seconds, 0) if math.isfinite(seconds) else None


def _seconds_until(date: str, now: datetime) -> float:
    try:
        return (_in_utc(parsedate_to_datetime(date)) - now).total_seconds()
    except (ValueError, OverflowError):
        return math.nan


def _in_utc(date: datetime) -> datetime:
    # One that names no zone, as asctime's form does not, is in UTC (RFC 9110, section 5.6.7).
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
