"""The fields of a task's lines that more than one reading needs. Pure."""

from http import HTTPStatus

from services.telemetry import log_events
from stack.logs.line import LogLine
from stack.stories.writers import ALERTS, DLQ_WATCHER

_ALERTS = {log_events.ALERT_LOGGED, log_events.ALERT_POSTED, log_events.ALERT_REFUSED}
_LAST_WORDS = {
    log_events.DROPPED,
    log_events.GONE_BEFORE_DELETED,
    log_events.NOT_RETURNED,
    log_events.NOT_SETTLED,
}


def reason_in(line: LogLine) -> str:
    """Why it did not go well."""
    return str(line.fields.get("reason") or "no reason given")


def due_at(line: LogLine) -> float | None:
    """When the next attempt is due, in seconds since the epoch; None where the line does not say."""
    after_seconds = line.fields.get("after_seconds")
    return line.at + after_seconds if isinstance(after_seconds, int | float) else None


def delay_of(line: LogLine) -> float:
    """For how many seconds the task that was accepted so is not to be begun, as its client wants."""
    delay_seconds = line.fields.get("delay_seconds")
    return delay_seconds if isinstance(delay_seconds, int | float) else 0


def delayed_until(line: LogLine) -> float | None:
    """Until when it is not to be begun, in seconds since the epoch; None where it is not delayed."""
    return line.at + delay_of(line) if delay_of(line) else None


def is_of_alert(line: LogLine) -> bool:
    """Whether it is about the message of the task's alert, on its way to Slack: the task stands as it does."""
    return (
        line.service == ALERTS
        or line.event in _ALERTS
        or (DLQ_WATCHER.fullmatch(line.service) is not None and str(line.fields.get("queue", "")).endswith(ALERTS))
    )


def is_last_word(line: LogLine) -> bool:
    """Whether a consumer has done with a message that it did not find, or of which SQS has told it nothing."""
    return line.event in _LAST_WORDS


def end_of_function(line: LogLine) -> str:
    """How the function has ended that had the task in flight, in Lambda's words."""
    return reason_in(line).removeprefix("Error: ")


def fault_in(line: LogLine) -> str:
    """What is wrong with the receiver's answer as such; empty where it became whole."""
    fault = line.fields.get("fault")
    if fault == "left":
        return "its sender left before the answer"
    return f"the answer never became whole ({fault})" if fault else ""


def is_taken(line: LogLine) -> bool:
    """Whether the receiver has taken the callback: it answered 2xx, the whole answer."""
    answered_2xx = HTTPStatus.OK <= line.fields.get("status", 0) < HTTPStatus.MULTIPLE_CHOICES
    return answered_2xx and not line.fields.get("fault")
