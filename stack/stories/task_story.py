"""A task's life as its services' logs tell it: what each line means, and how the task stands after all. Pure."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any, Literal, get_args

import httpx

from stack.logs.line import ROTATED_AWAY, LogLine

Mark = Literal["done", "failed", "retry", "note"]

State = Literal[
    "unknown",  # what is left of the logs does not tell
    "not queued",  # the API could not queue it
    "queued",  # accepted, and no worker has said anything of it
    "at work",  # a worker has it in hand, or had it
    "retrying",  # an attempt at the work failed, the next will come
    "delivering",  # its outcome waits for the next delivery
    "dead",  # in a dead-letter queue, for the DLQ watcher to take
    "delivered",  # the callback has the outcome
    "undelivered",  # the outcome, or the message, waits in `undelivered` for a person
    "lost",  # LocalStack has ended since without keeping its queues
]

OutcomeKind = Literal["success", "failure"]

WORKER = re.compile(r"worker-.+")
CALLBACK_WORKER = re.compile(r"worker-callbacks(-\d+)?")
DLQ_WATCHER = re.compile(r"dlq-watcher(-\d+)?")

RECEIVER = "receiver"

IN_A_QUEUE: Collection[State] = {"queued", "at work", "retrying", "delivering", "dead", "undelivered"}
"""How a task stands while SQS has a message of it, as far as the logs tell."""

LOUD_LEVELS = {"warning", "error", "critical"}


@dataclass(frozen=True)
class Step:
    """One line of a task's story."""

    line: LogLine
    mark: Mark
    text: str
    is_known: bool = True
    """Whether the line tells of a task's life; else it is whatever a service had to say."""

    @property
    def is_failure(self) -> bool:
        """Whether something failed in it, be it for now or for good."""
        return self.mark in {"failed", "retry"}


@dataclass(frozen=True)
class Standing:
    """How a task stands."""

    state: State
    outcome: OutcomeKind | None = None
    """Which outcome the callback has, or is to have."""
    reason: str = ""
    """Why it does not stand better."""
    failure: str = ""
    """Why the task itself failed for good, where it did."""
    due_at: float | None = None
    """When the next attempt is due, in seconds since the epoch; None where nobody said."""
    is_told_by_receiver: bool = False
    """Whether nobody but the receiver has said so."""
    lost_at: float = 0
    """When the queues were made anew without it, in seconds since the epoch."""

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.state in {"not queued", "delivered", "undelivered", "lost"}


@dataclass(frozen=True)
class Story:
    """What is known of one task, in the order of time."""

    task_id: str
    steps: tuple[Step, ...]
    logs_begin_at: Mapping[str, float] = field(default_factory=dict)
    """When the oldest line that is kept was written, by service; seconds since the epoch."""
    absent_since: float | None = None
    """When all queues were made that had no message of it when they were looked through; seconds since the epoch."""

    @property
    def began_at(self) -> float:
        """Seconds since the epoch."""
        return self.steps[0].line.at

    @property
    def task_type(self) -> str | None:
        """None where no line names it."""
        return next((str(each) for field in ("task_type", "origin") for each in self._all(field)), None)

    @property
    def trace_ids(self) -> list[str]:
        """Of the traces that it is part of; none where tracing is off."""
        return list(dict.fromkeys(str(each) for each in self._all("trace_id")))

    @property
    def was_accepted(self) -> bool:
        """Whether the logs go back to its beginning."""
        return any(step.line.event == "accepted" for step in self.steps)

    @property
    def standing(self) -> Standing:
        """How it stands after the last step."""
        told = _as_heard(reduce(_after, self.steps, Standing("unknown")), self.steps)
        if told.state in IN_A_QUEUE and self.absent_since and self.ended_before(self.absent_since):
            return replace(told, state="lost", due_at=None, lost_at=self.absent_since)
        return told

    def ended_before(self, at: float) -> bool:
        """Whether nothing is told of it from that time on."""
        return self.steps[-1].line.at < at

    @property
    def logs_that_begin_too_late(self) -> dict[str, float]:
        """The logs that should tell how it stands, and do not reach back to where they would: since when they do."""
        since, service = _heard_of_next(self)
        return {name: at for name, at in self.logs_begin_at.items() if at > since and service.fullmatch(name)}

    def _all(self, field: str) -> Iterable[Any]:
        return (step.line.fields[field] for step in self.steps if step.line.fields.get(field))


def story_of(task_id: str, lines: Iterable[LogLine], logs_begin_at: Mapping[str, float] | None = None) -> Story:
    """The story of a task, of the lines of any services, in any order."""
    own = sorted((line for line in lines if line.task_id == task_id), key=lambda line: line.at)
    return Story(task_id, tuple(map(step_of, own)), logs_begin_at or {})


def step_of(line: LogLine) -> Step:
    """What a line says of its task."""
    read = _READERS.get(line.event)
    if read:
        mark, text = read(line)
        return Step(line, mark, text)
    return Step(line, "failed" if line.level in LOUD_LEVELS else "note", _as_it_is(line), is_known=False)


def describe_outcome(fields: Mapping[str, Any]) -> str:
    """How much of the work came out: `3 results, 1 error`."""
    return f"{_count(fields.get('results', 0), 'result')}, {_count(fields.get('errors', 0), 'error')}"


Told = tuple[Mark, str]


def _accepted(line: LogLine) -> Told:
    return "done", f"accepted: {line.fields.get('task_type', 'a task')}"


def _not_queued(line: LogLine) -> Told:
    return "failed", f"could not be queued, and was answered 500: {line.fields.get('cause', '')}"


def _delivered(line: LogLine) -> Told:
    tries = line.fields.get("delivery_attempts", 1)
    taken = "the callback was taken" + (f" on delivery attempt {tries}" if tries != 1 else "")
    return "done", f"{_what_for(line)}{taken}"


def _not_delivered_yet(line: LogLine) -> Told:
    tries = _count(line.fields.get("delivery_attempts", 1), "delivery attempt")
    wait = f", next delivery in {line.fields['after_seconds']} s" if "after_seconds" in line.fields else ""
    return (
        "retry",
        f"{_what_for(line)}the callback was not taken in {tries}: {_reason(line)}; it waits in callbacks{wait}",
    )


def _given_up(line: LogLine) -> Told:
    return "failed", f"{_what_for(line)}the callback will not be tried again: {_reason(line)}"


def _returned(line: LogLine) -> Told:
    wait = f"next attempt in {line.fields.get('after_seconds', '?')} s"
    if CALLBACK_WORKER.fullmatch(line.service):
        return "retry", f"the callback was not taken: {_reason(line)}; {wait}"
    if DLQ_WATCHER.fullmatch(line.service):
        return "retry", f"could not be reported: {_reason(line)}; {wait}"
    return "retry", f"{_attempt(line)} failed: {_reason(line)}; {wait}"


def _attempt_failed(line: LogLine) -> Told:
    return "failed", f"{_attempt(line)} ended in an exception"


def _dead_lettered(line: LogLine) -> Told:
    if DLQ_WATCHER.fullmatch(line.service):
        return "failed", f"kept in undelivered: {_reason(line)}"
    attempts = _count(line.fields.get("attempts", 1), "attempt")
    return "failed", f"given up after {attempts}: {_reason(line)}"


def _alert(line: LogLine) -> Told:
    return "note", f"alert told: {line.fields.get('headline', '')}".removesuffix(": ")


def _alert_refused(line: LogLine) -> Told:
    return "retry", f"Slack has not taken the alert yet: {line.fields.get('refusal', '')}"


def _callback_received(line: LogLine) -> Told:
    what = (
        f"callback received: {line.fields.get('outcome') or 'no outcome'}, delivery {line.fields.get('attempt', '?')}"
    )
    if fault := line.fields.get("fault"):
        return "retry", f"{what}; the answer never became whole ({fault})"
    return ("done" if _is_taken(line) else "retry"), f"{what}, answered {line.fields.get('status', 0)}"


def _is_taken(line: LogLine) -> bool:
    return httpx.codes.is_success(line.fields.get("status", 0)) and not line.fields.get("fault")


def _unsettled(_line: LogLine) -> Told:
    return "failed", "not settled: SQS has not confirmed it, and may give its message again"


def _gone(_line: LogLine) -> Told:
    return "failed", "not retried: its message was deleted or purged, has expired, or is somebody else's now"


def _dropped(line: LogLine) -> Told:
    return "retry", f"dropped, and not handed over: {_reason(line)}"


def _sqs_failed(line: LogLine) -> Told:
    return "retry", f"SQS did not answer as it should, trying again: {line.fields.get('error', '')}"


def _rotated_away(_line: LogLine) -> Told:
    return "failed", ROTATED_AWAY


_DROPPED = "dropped: the message is not in hand any more"

# The events of a task's life, in the words of the services.
_READERS: Mapping[str, Callable[[LogLine], Told]] = {
    "accepted": _accepted,
    "task could not be queued": _not_queued,
    "delivered": _delivered,
    "not delivered yet": _not_delivered_yet,
    "delivery given up": _given_up,
    "returned for retry": _returned,
    "attempt failed": _attempt_failed,
    "dead-lettered": _dead_lettered,
    "alert": _alert,
    "alert told": _alert,
    "alert not taken by Slack yet": _alert_refused,
    "callback received": _callback_received,
    "message not settled: SQS has not confirmed it, and may give it again": _unsettled,
    "not returned for retry: the message is not in hand any more": _gone,
    _DROPPED: _dropped,
    "SQS call failed, trying again": _sqs_failed,
    ROTATED_AWAY: _rotated_away,
}


_NOBODY = re.compile(r"(?!)")
_CONSUMER = re.compile(f"{WORKER.pattern}|{DLQ_WATCHER.pattern}")


def _heard_of_next(story: Story) -> tuple[float, re.Pattern[str]]:
    """After when, and of whom, more would be heard."""
    standing, last_at = story.standing, story.steps[-1].line.at
    match standing.state:
        case "unknown":
            return story.began_at, _CONSUMER
        case "delivered" if standing.is_told_by_receiver:
            return story.began_at, _CONSUMER
        case "queued" | "at work" | "retrying":
            return last_at, re.compile(rf"worker-{re.escape(story.task_type)}(-\d+)?") if story.task_type else WORKER
        case "delivering":
            return last_at, CALLBACK_WORKER
        case "dead":
            return last_at, DLQ_WATCHER
    return last_at, _NOBODY


def _after(before: Standing, step: Step) -> Standing:
    """How the task stands after one more step; most steps change nothing."""
    line = step.line
    if line.service == RECEIVER:
        return _after_receiver(before, line)
    after = _after_sender(before, line)
    return after if after is before else replace(after, is_told_by_receiver=False)


def _after_sender(before: Standing, line: LogLine) -> Standing:
    if DLQ_WATCHER.fullmatch(line.service):
        return _after_watcher(before, line)
    if CALLBACK_WORKER.fullmatch(line.service):
        return _after_callback_worker(before, line)
    return _after_api_or_worker(before, line)


def _after_api_or_worker(before: Standing, line: LogLine) -> Standing:
    match line.event:
        case "accepted":
            # The API says it when SQS has confirmed, and a worker may have been faster.
            return Standing("queued") if before.state == "unknown" or before.is_settled else before
        case "task could not be queued":
            return Standing("not queued", reason=str(line.fields.get("cause", "")))
        case "returned for retry":
            return Standing("retrying", reason=_reason(line), due_at=_due_at(line))
        case "dead-lettered":
            return Standing("dead", "failure", _reason(line), failure=_reason(line))
        case event if event == _DROPPED and before.state in {"unknown", "queued", "at work"}:
            return Standing("retrying", reason=_reason(line))
    if before.state in {"unknown", "queued"} and WORKER.fullmatch(line.service):
        before = replace(before, state="at work")
    return _after_delivery(replace(before, outcome="success"), line) or before


def _after_receiver(before: Standing, line: LogLine) -> Standing:
    """What the receiver says counts where nobody has said as much: it has seen what the others' logs have lost."""
    outcome = next((each for each in get_args(OutcomeKind) if each == line.fields.get("outcome")), None)
    if line.event != "callback received" or outcome is None or before.state == "delivered":
        return before
    if _is_taken(line):
        return replace(before, state="delivered", outcome=outcome, reason="", due_at=None, is_told_by_receiver=True)
    if before.state not in {"unknown", "queued", "at work"}:
        return before
    return replace(before, state="delivering", outcome=outcome, reason=_refusal(line), is_told_by_receiver=True)


def _as_heard(standing: Standing, steps: Iterable[Step]) -> Standing:
    """How it stands by what the receiver has taken last, where it has been told more than one outcome."""
    taken = (step.line for step in steps if step.line.service == RECEIVER and _is_taken(step.line))
    *_, heard = (None, *(line.fields.get("outcome") for line in taken))
    if standing.state != "delivered" or heard not in get_args(OutcomeKind) or heard == standing.outcome:
        return standing
    return replace(standing, outcome=heard, failure=standing.failure if heard == "failure" else "")


def _refusal(line: LogLine) -> str:
    if fault := line.fields.get("fault"):
        return f"the receiver's answer never became whole ({fault})"
    return f"the receiver answered {line.fields.get('status', 0)}"


def _after_callback_worker(before: Standing, line: LogLine) -> Standing:
    match line.event:
        case "returned for retry":
            return replace(before, state="delivering", reason=_reason(line), due_at=_due_at(line))
        case "dead-lettered":
            return replace(before, state="dead", reason=_reason(line), due_at=None)
    return _after_delivery(before, line) or before


def _after_watcher(before: Standing, line: LogLine) -> Standing:
    match line.event:
        case "returned for retry":
            return replace(before, due_at=_due_at(line))
        case "dead-lettered":
            return replace(before, state="undelivered", reason=_reason(line), due_at=None)
        case "alert" | "alert told" if before.outcome == "failure" and not before.failure:
            # No worker has said why.
            return replace(before, failure=str(line.fields.get("reason", "")))
    return _after_delivery(replace(before, outcome="failure"), line) or before


def _after_delivery(before: Standing, line: LogLine) -> Standing | None:
    """How it stands after the first delivery of its outcome, or any further one; None where the line tells of none."""
    match line.event:
        case "delivered":
            return replace(before, state="delivered", reason="", due_at=None)
        case "not delivered yet":
            return replace(before, state="delivering", reason=_reason(line), due_at=_due_at(line))
        case "delivery given up":
            return replace(before, state="dead", reason=_reason(line), due_at=None)
    return None


def _due_at(line: LogLine) -> float | None:
    after_seconds = line.fields.get("after_seconds")
    return line.at + after_seconds if isinstance(after_seconds, int | float) else None


def _what_for(line: LogLine) -> str:
    if "results" in line.fields:
        return f"work done: {describe_outcome(line.fields)}; "
    return "reported as failed; " if DLQ_WATCHER.fullmatch(line.service) else ""


def _attempt(line: LogLine) -> str:
    return f"attempt {line.fields['attempt']}" if "attempt" in line.fields else "the attempt"


def _reason(line: LogLine) -> str:
    return str(line.fields.get("reason") or "no reason given")


def _as_it_is(line: LogLine) -> str:
    return line.event or line.text


def _count(number: Any, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
