"""A line of a service's log, and what is read from it: the services write JSON, others as they like. Pure."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

ROTATED_AWAY = "lines may be missing here: the log was rotated, or emptied, faster than it was read"
"""The event of a line that stands where it is not known whether the service said more."""

# LocalStack's lines begin with the machine's time, those of uvicorn with none.
_TIME_AT_START = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:\d\d)?")


@dataclass(frozen=True, slots=True)
class RawLine:
    """A line as it was written, and who wrote it."""

    service: str
    text: str
    written_at: float | None = None
    """Seconds since the epoch, where who kept the line has noted it."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line that was read."""

    service: str
    text: str
    at: float
    """Seconds since the epoch; of a line that has no time, those of the one before it."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Its JSON object; empty where it is none."""

    @property
    def event(self) -> str:
        """What happened, in the words of the service; empty where the line is no JSON."""
        return str(self.fields.get("event", ""))

    @property
    def level(self) -> str:
        """In small letters."""
        return str(self.fields.get("level", "")).lower()

    @property
    def task_id(self) -> str | None:
        """Of the task that it is about, None where it is about none."""
        task_id = self.fields.get("task_id")
        return task_id if isinstance(task_id, str) else None

    def is_of_task(self, beginning: str) -> bool:
        """Whether it is about a task whose id begins so."""
        return self.task_id is not None and self.task_id.startswith(beginning)

    def as_json(self) -> dict[str, Any]:
        """The object with the service's name before it; of what is no JSON the line."""
        return {"service": self.service, **(self.fields or {"line": self.text})}


def missing_lines(at: float) -> str:
    """The line that stands in the place of others, of those that were written after that time."""
    timestamp = datetime.fromtimestamp(at, UTC).isoformat()
    return json.dumps({"timestamp": timestamp, "level": "warning", "logger": "stack", "event": ROTATED_AWAY})


class LineReader:
    """Reads lines in the order in which each service wrote them."""

    def __init__(self) -> None:
        self._last_at: dict[str, float] = {}

    def read(self, lines: Iterable[RawLine]) -> Iterator[LogLine]:
        """Read the lines as they come."""
        for line in lines:
            fields = _object_in(line.text)
            at = _time_of(line, fields) or self._last_at.get(line.service, 0)
            self._last_at[line.service] = at
            yield LogLine(line.service, line.text, at, fields)

    def in_order(self, lines: Iterable[RawLine]) -> list[LogLine]:
        """Read the lines and order those of all services by time."""
        return sorted(self.read(lines), key=lambda line: line.at)


def _object_in(text: str) -> dict[str, Any]:
    if not text.startswith("{"):
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _time_of(line: RawLine, fields: Mapping[str, Any]) -> float | None:
    if fields:
        return _seconds(str(fields.get("timestamp"))) or line.written_at
    if line.written_at is not None:
        return line.written_at
    found = _TIME_AT_START.match(line.text)
    return _seconds(found[0].replace(",", ".")) if found else None


def _seconds(text: str) -> float | None:
    """The time of ISO 8601, that of this machine where it names no other zone."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return None
