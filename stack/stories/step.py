"""What a line of a log says of its task. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from receiver.log_events import CALLBACK_RECEIVED
from services.primitives.durations import describe_duration
from services.telemetry import log_events
from stack.functions.log_events import FUNCTION_ENDED
from stack.logs.line import ROTATED_AWAY, LogLine
from stack.stories.fields import delay_of, end_of_function, fault_in, is_of_alert, is_taken, reason_in
from stack.stories.writers import CALLBACK_WORKER, DLQ_WATCHER

Mark = Literal["done", "failed", "retry", "note"]

LOUD_LEVELS = {"warning", "error", "critical"}


@dataclass(frozen=True)
class Step:
    """One line of a task's story."""

    line: LogLine
    mark: Mark
    text: str
    is_known: bool = True
    """Whether the line is of a task's life; else it is whatever a service had to say."""

    @property
    def is_failure(self) -> bool:
        """Whether something failed in it, be it for now or for good."""
        return self.mark in {"failed", "retry"}


def step_of(line: LogLine) -> Step:
    """What a line says of its task."""
    read = READERS.get(line.event)
    if read:
        mark, text = read(line)
        return Step(line, mark, text)
    return Step(line, "failed" if line.level in LOUD_LEVELS else "note", _as_it_is(line), is_known=False)


Reading = tuple[Mark, str]


def _accepted(line: LogLine) -> Reading:
    group = f" of the message group {line.fields['message_group_id']}" if "message_group_id" in line.fields else ""
    delay = f", delayed by {describe_duration(delay_of(line))}" if delay_of(line) else ""
    return "done", f"accepted: {line.fields.get('task_type', 'a task')}{group}{delay}"


def _not_queued(line: LogLine) -> Reading:
    return "failed", f"could not be queued, and was answered 500: {line.fields.get('cause', '')}"


def _delivered(line: LogLine) -> Reading:
    tries = line.fields.get("delivery_attempts", 1)
    taken = "the callback was taken" + (f" on delivery attempt {tries}" if tries != 1 else "")
    return "done", f"{_what_for(line)}{taken}"


def _not_delivered_yet(line: LogLine) -> Reading:
    tries = _count(line.fields.get("delivery_attempts", 1), "delivery attempt")
    wait = f", next delivery in {line.fields['after_seconds']} s" if "after_seconds" in line.fields else ""
    return (
        "retry",
        f"{_what_for(line)}the callback was not taken in {tries}: {reason_in(line)}; it waits in callbacks{wait}",
    )


def _given_up(line: LogLine) -> Reading:
    return "failed", f"{_what_for(line)}the callback will not be tried again: {reason_in(line)}"


def _returned(line: LogLine) -> Reading:
    wait = f"next attempt in {line.fields.get('after_seconds', '?')} s"
    if CALLBACK_WORKER.fullmatch(line.service):
        return "retry", f"the callback was not taken: {reason_in(line)}; {wait}"
    if is_of_alert(line):
        return "retry", f"the alert waits: {reason_in(line)}; {wait}"
    if DLQ_WATCHER.fullmatch(line.service):
        return "retry", f"could not be reported: {reason_in(line)}; {wait}"
    return "retry", f"{_attempt(line)} failed: {reason_in(line)}; {wait}"


def _attempt_failed(line: LogLine) -> Reading:
    return "failed", f"{_attempt(line)} ended in an exception"


def _dead_lettered(line: LogLine) -> Reading:
    if DLQ_WATCHER.fullmatch(line.service):
        return "failed", f"kept in undelivered: {reason_in(line)}"
    attempts = _count(line.fields.get("attempts", 1), "attempt")
    return "failed", f"given up after {attempts}: {reason_in(line)}"


def _alert(line: LogLine) -> Reading:
    return "note", f"alert raised: {line.fields.get('headline', '')}".removesuffix(": ")


def _alert_refused(line: LogLine) -> Reading:
    return "retry", f"Slack has not taken the alert yet: {line.fields.get('refusal', '')}"


def _callback_received(line: LogLine) -> Reading:
    what = (
        f"callback received: {line.fields.get('outcome') or 'no outcome'}, delivery {line.fields.get('attempt', '?')}"
    )
    if fault := fault_in(line):
        return "retry", f"{what}; {fault}"
    return ("done" if is_taken(line) else "retry"), f"{what}, answered {line.fields.get('status', 0)}"


def _gone_before_deleted(_line: LogLine) -> Reading:
    return "note", "its message was gone before it was deleted"


def _not_settled(_line: LogLine) -> Reading:
    return "failed", "not settled: SQS has not confirmed it, and may give its message again"


def _not_returned(_line: LogLine) -> Reading:
    return "failed", "not retried: its message was deleted or purged, has expired, or is somebody else's now"


def _dropped(line: LogLine) -> Reading:
    return "retry", f"dropped, and not delivered: {reason_in(line)}"


def _sqs_call_failed(line: LogLine) -> Reading:
    return "retry", f"SQS did not answer as it should, trying again: {line.fields.get('error', '')}"


def _function_ended(line: LogLine) -> Reading:
    what = "alert" if is_of_alert(line) else "task"
    again = describe_duration(line.fields.get("after_seconds", 0))
    return (
        "failed",
        f"the function ended while it had the {what}: {end_of_function(line)}; SQS gives it again in {again}",
    )


def _rotated_away(_line: LogLine) -> Reading:
    return "failed", ROTATED_AWAY


READERS: Mapping[str, Callable[[LogLine], Reading]] = {
    log_events.ACCEPTED: _accepted,
    log_events.NOT_QUEUED: _not_queued,
    log_events.DELIVERED: _delivered,
    log_events.NOT_DELIVERED_YET: _not_delivered_yet,
    log_events.DELIVERY_GIVEN_UP: _given_up,
    log_events.RETURNED_FOR_RETRY: _returned,
    log_events.NOT_RETURNED: _not_returned,
    log_events.ATTEMPT_FAILED: _attempt_failed,
    log_events.DEAD_LETTERED: _dead_lettered,
    log_events.ALERT_LOGGED: _alert,
    log_events.ALERT_POSTED: _alert,
    log_events.ALERT_REFUSED: _alert_refused,
    log_events.GONE_BEFORE_DELETED: _gone_before_deleted,
    log_events.NOT_SETTLED: _not_settled,
    log_events.DROPPED: _dropped,
    log_events.SQS_CALL_FAILED: _sqs_call_failed,
    CALLBACK_RECEIVED: _callback_received,
    FUNCTION_ENDED: _function_ended,
    ROTATED_AWAY: _rotated_away,
}
"""The events of a task's life."""


def _what_for(line: LogLine) -> str:
    if "results" in line.fields:
        results, errors = line.fields["results"], line.fields.get("errors", 0)
        return f"work done: {_count(results, 'result')}, {_count(errors, 'error')}; "
    return "reported as failed; " if DLQ_WATCHER.fullmatch(line.service) else ""


def _attempt(line: LogLine) -> str:
    return f"attempt {line.fields['attempt']}" if "attempt" in line.fields else "the attempt"


def _as_it_is(line: LogLine) -> str:
    return line.event or line.text


def _count(number: Any, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
