"""The fields of a task's lines that more than one reading needs. Pure."""

from http import HTTPStatus

from stack.logs.line import LogLine


def reason_in(line: LogLine) -> str:
    """Why it did not go well."""
    return str(line.fields.get("reason") or "no reason given")


def due_at(line: LogLine) -> float | None:
    """When the next attempt is due, in seconds since the epoch; None where the line does not say."""
    after_seconds = line.fields.get("after_seconds")
    return line.at + after_seconds if isinstance(after_seconds, int | float) else None


def is_taken(line: LogLine) -> bool:
    """Whether the receiver has taken the callback: it answered 2xx, the whole answer."""
    answered_2xx = HTTPStatus.OK <= line.fields.get("status", 0) < HTTPStatus.MULTIPLE_CHOICES
    return answered_2xx and not line.fields.get("fault")
