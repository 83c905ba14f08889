"""How a task stands after all that is logged of it. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Literal, get_args

from receiver.log_events import CALLBACK_RECEIVED
from services.telemetry import log_events
from stack.functions.log_events import FUNCTION_ENDED
from stack.logs.line import LogLine
from stack.stories.fields import delayed_until, due_at, end_of_function, fault_in, is_of_alert, is_taken, reason_in
from stack.stories.writers import CALLBACK_WORKER, DLQ_WATCHER, RECEIVER, WORKER

State = Literal[
    "unknown",  # what is left of the logs does not say
    "not queued",  # the API could not queue it
    "queued",  # accepted, and no worker has said anything of it
    "at work",  # a worker has it in flight, or had it
    "hidden",  # the function ended that worked it, and SQS gives its message again when the visibility timeout is over
    "retrying",  # an attempt at the work failed, the next will come
    "delivering",  # its outcome waits for the next delivery
    "dead",  # in a dead-letter queue, for the DLQ watcher to take
    "delivered",  # the callback has the outcome
    "undelivered",  # the outcome, or the message, waits in `undelivered` for a person
    "lost",  # LocalStack has ended since without keeping its queues
]

OutcomeKind = Literal["success", "failure"]

IN_A_QUEUE: Collection[State] = {"queued", "at work", "hidden", "retrying", "delivering", "dead", "undelivered"}
"""How a task stands while SQS has a message of it, as far as the logs say."""

_TO_BE_WORKED: Collection[State] = {"unknown", "queued", "at work", "hidden", "retrying"}
"""How a task stands while its work is not done, as far as the logs say."""


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
    is_by_receiver_alone: bool = False
    """Whether nobody but the receiver has said so."""
    lost_at: float = 0
    """When the queues were made anew without it, in seconds since the epoch."""

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.state in {"not queued", "delivered", "undelivered", "lost"}


def standing_after(lines: Sequence[LogLine]) -> Standing:
    """How the task stands after its lines, which are in the order of time."""
    return _as_heard(reduce(_after, _as_caused(lines), Standing("unknown")), lines)


def _as_caused(lines: Sequence[LogLine]) -> Sequence[LogLine]:
    """The lines, with the first acceptance before what came of it.

    The API says it when SQS has confirmed the task, and that may have come to its end by then. What could not be queued
    was before it.
    """
    events = [line.event for line in lines]
    if log_events.ACCEPTED not in events:
        return lines
    accepted = events.index(log_events.ACCEPTED)
    not_queued = [place for place in range(accepted) if events[place] == log_events.NOT_QUEUED]
    place = not_queued[-1] + 1 if not_queued else 0
    return [*lines[:place], lines[accepted], *lines[place:accepted], *lines[accepted + 1 :]]


def _after(before: Standing, line: LogLine) -> Standing:
    """How the task stands after one more line; most lines change nothing."""
    if line.service == RECEIVER:
        return _after_receiver(before, line)
    after = _after_sender(before, line)
    return after if after is before else replace(after, is_by_receiver_alone=False)


def _after_sender(before: Standing, line: LogLine) -> Standing:
    if line.event in {log_events.ALERT_LOGGED, log_events.ALERT_POSTED}:
        # Where no worker has said why, the alert does.
        is_news = before.outcome == "failure" and not before.failure
        return replace(before, failure=str(line.fields.get("reason", ""))) if is_news else before
    if is_of_alert(line):
        return before
    if line.event == FUNCTION_ENDED:
        return _after_end_of_function(before, line)
    if DLQ_WATCHER.fullmatch(line.service):
        return _after_watcher(before, line)
    if CALLBACK_WORKER.fullmatch(line.service):
        return _after_callback_worker(before, line)
    return _after_api_or_worker(before, line)


def _after_api_or_worker(before: Standing, line: LogLine) -> Standing:
    match line.event:
        case log_events.ACCEPTED:
            # Once more, as a client does with the same Idempotency-Key; a worker may have been faster.
            is_news = before.state == "unknown" or before.is_settled
            return Standing("queued", due_at=delayed_until(line)) if is_news else before
        case log_events.NOT_QUEUED:
            return Standing("not queued", reason=str(line.fields.get("cause", "")))
        case log_events.RETURNED_FOR_RETRY:
            return Standing("retrying", reason=reason_in(line), due_at=due_at(line))
        case log_events.DEAD_LETTERED:
            return Standing("dead", "failure", reason_in(line), failure=reason_in(line))
        case log_events.DROPPED if before.state in {"unknown", "queued", "at work", "hidden"}:
            return Standing("retrying", reason=reason_in(line))
    if before.state in {"unknown", "queued", "hidden"} and WORKER.fullmatch(line.service):
        before = replace(before, state="at work", reason="", due_at=None)
    return _after_delivery(replace(before, outcome="success"), line) or before


def _after_callback_worker(before: Standing, line: LogLine) -> Standing:
    match line.event:
        case log_events.RETURNED_FOR_RETRY:
            return replace(before, state="delivering", reason=reason_in(line), due_at=due_at(line))
        case log_events.DEAD_LETTERED:
            return replace(before, state="dead", reason=reason_in(line), due_at=None)
    return _after_delivery(before, line) or before


def _after_watcher(before: Standing, line: LogLine) -> Standing:
    match line.event:
        case log_events.RETURNED_FOR_RETRY if not before.is_settled:
            return replace(before, due_at=due_at(line))
        case log_events.DEAD_LETTERED:
            return replace(before, state="undelivered", reason=reason_in(line), due_at=None)
    return _after_delivery(replace(before, outcome="failure"), line) or before


def _after_end_of_function(before: Standing, line: LogLine) -> Standing:
    """A process that ends without a word leaves its message as it was: hidden, until its visibility timeout is over."""
    is_work_done = before.state not in _TO_BE_WORKED and not before.is_by_receiver_alone
    if before.is_settled:
        return before
    if CALLBACK_WORKER.fullmatch(line.service):
        reason = f"the function ended: {end_of_function(line)}"
        return replace(before, state="delivering", reason=reason, due_at=due_at(line))
    if DLQ_WATCHER.fullmatch(line.service):
        return replace(before, due_at=due_at(line))
    return before if is_work_done else Standing("hidden", reason=end_of_function(line), due_at=due_at(line))


def _after_delivery(before: Standing, line: LogLine) -> Standing | None:
    """How it stands after the first delivery of its outcome, or any further one; None where the line is of none."""
    match line.event:
        case log_events.DELIVERED:
            return replace(before, state="delivered", reason="", due_at=None)
        case log_events.NOT_DELIVERED_YET:
            return replace(before, state="delivering", reason=reason_in(line), due_at=due_at(line))
        case log_events.DELIVERY_GIVEN_UP:
            return replace(before, state="dead", reason=reason_in(line), due_at=None)
    return None


def _after_receiver(before: Standing, line: LogLine) -> Standing:
    """What the receiver says counts where nobody has said as much: it has seen what the others' logs have lost."""
    outcome = next((each for each in get_args(OutcomeKind) if each == line.fields.get("outcome")), None)
    if line.event != CALLBACK_RECEIVED or outcome is None or before.state == "delivered":
        return before
    if is_taken(line):
        return replace(before, state="delivered", outcome=outcome, reason="", due_at=None, is_by_receiver_alone=True)
    if before.state not in {"unknown", "queued", "at work"}:
        return before
    return replace(
        before, state="delivering", outcome=outcome, reason=_refusal(line), due_at=None, is_by_receiver_alone=True
    )


def _refusal(line: LogLine) -> str:
    return fault_in(line) or f"the receiver answered {line.fields.get('status', 0)}"


def _as_heard(standing: Standing, lines: Iterable[LogLine]) -> Standing:
    """How it stands by what the receiver has taken last, where more than one outcome came there."""
    taken = (line for line in lines if line.service == RECEIVER and is_taken(line))
    *_, heard = (None, *(line.fields.get("outcome") for line in taken))
    if standing.state != "delivered" or heard not in get_args(OutcomeKind) or heard == standing.outcome:
        return standing
    return replace(standing, outcome=heard, failure=standing.failure if heard == "failure" else "")
