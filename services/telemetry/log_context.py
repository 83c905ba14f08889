"""What each log line of a piece of work says of it: bound once, and merged into every line.

structlog's own way has a context variable for each value, and a context is copied in part each time that one is set.
What a task type binds that way is in its lines all the same.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

import structlog

_BOUND: ContextVar[Mapping[str, Any]] = ContextVar("bound to log lines", default={})  # noqa: B039  # is never changed


def bind(**values: Any) -> None:
    """Let the lines of this context say this from now on, in the order in which it was bound."""
    _BOUND.set({**_BOUND.get(), **values})


def bound() -> Mapping[str, Any]:
    """Return what the lines of this context say."""
    return _BOUND.get()


def merge(logger: Any, method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Return a line with what is bound; what the line says itself stands. A processor of structlog's."""
    return structlog.contextvars.merge_contextvars(logger, method, {**_BOUND.get(), **line})
