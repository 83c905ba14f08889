"""Log lines for the tests: of tasks' lives, as the services write them."""

import json
from datetime import UTC, datetime
from typing import Any

from stack.logs.line import LineReader, LogLine, RawLine

TASK = "5ca619c0-bdc9-49c2-80f5-d4b4a4c229e1"
BEGAN = datetime(2026, 11, 24, 14, 4, 16, tzinfo=UTC).timestamp()


def raw(service: str, event: str, after: float = 0.0, level: str = "info", **fields: Any) -> RawLine:
    """A line that is written `after` seconds."""
    at = datetime.fromtimestamp(BEGAN + after, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    logged = {"task_id": TASK, **fields, "event": event, "level": level, "logger": "services.x", "timestamp": at}
    return RawLine(service, json.dumps(logged))


def line(service: str, event: str, after: float = 0.0, level: str = "info", **fields: Any) -> LogLine:
    """The same, read."""
    return next(LineReader().read([raw(service, event, after, level, **fields)]))
