"""An alert: what a person has to know of a failure, on its way from the handler that saw it to the log or to Slack."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from services.messages import UnusableMessageError
from services.primitives.durations import describe_duration
from services.primitives.sqs_limits import attribute_text
from services.queueing.dead_letter import MAX_REASON_BYTES, MAX_TRACE_BYTES
from services.queueing.message import ReceivedMessage
from services.telemetry.redaction import without_secrets

_LONGEST_HEADLINE_BYTES = 400
_LONGEST_FACT_BYTES = 800
_NAMES_OF_THE_LOG = frozenset({"self", "method_name", "event"})
_END_OF_CALENDAR = 253_402_300_799

# What may stand in a command that people copy into their shell.
_SAFE_ID = re.compile(r"[A-Za-z0-9_.-]{1,100}")


Text = Annotated[str, Field(min_length=1, max_length=MAX_TRACE_BYTES)]


@dataclass(frozen=True, slots=True)
class Alert:
    """What `make_alert` makes. Its texts hold no credentials, and no more than fits into a Slack message."""

    alert_id: Text
    """The same whenever the same failure is reported again."""
    headline: Text
    origin: Text
    """The type of the task that failed, or the queue of what is no task."""
    task_id: Text | None
    reason: Text
    facts: Annotated[dict[Text, Text], Field(min_length=1, max_length=10)]
    """What else there is to know, by its name."""
    trace: Text | None
    """The end of a stack trace."""
    is_kept: bool
    """Whether `undelivered` keeps the message."""
    raised_at: Annotated[float, Field(ge=0, le=_END_OF_CALENDAR, allow_inf_nan=False)]
    """Seconds since the epoch."""
    stack: Text | None = None
    """What goes before the names of its queues (`QUEUE_NAME_PREFIX`): several stacks may share a channel.

    A watcher that does not know it yet passes over it."""
    version: Literal[1] = 1

    def as_log(self) -> dict[str, str]:
        """The whole alert as the key-value pairs of a log line, beside which it has its `event`."""
        facts = {name.lower().replace(" ", "_"): value for name, value in self.facts.items()}
        optional = {"queue_name_prefix": self.stack, "task_id": self.task_id, "trace": self.trace}
        known = {name: value for name, value in optional.items() if value is not None}
        own = {"headline": self.headline, "origin": self.origin, "reason": self.reason}
        # A message that others have put into the queue may call a fact as it likes.
        return {name: value for name, value in {**own, **facts, **known}.items() if name not in _NAMES_OF_THE_LOG}


_ALERT = TypeAdapter(Alert)


def make_alert(  # noqa: PLR0913  # an alert says as much
    cause: ReceivedMessage | str,
    headline: str,
    *,
    origin: str,
    reason: str,
    facts: Mapping[str, str],
    task_id: str | None = None,
    trace: str | None = None,
    is_kept: bool = False,
) -> Alert:
    """Return the alert of a failure that is seen in a message, or of what else has that id; any text may go in."""
    about = {**_group_of(cause), **facts}
    shown_headline = _shown(headline, _LONGEST_HEADLINE_BYTES)
    return Alert(
        alert_id=cause if isinstance(cause, str) else _id_of(cause, shown_headline),
        headline=shown_headline,
        origin=_shown(origin, _LONGEST_HEADLINE_BYTES),
        task_id=None if task_id is None else _shown(task_id, _LONGEST_HEADLINE_BYTES),
        reason=_shown(reason, MAX_REASON_BYTES),
        facts={name: _shown(fact, _LONGEST_FACT_BYTES) for name, fact in about.items()},
        trace=None if trace is None else _shown(trace, MAX_TRACE_BYTES),
        is_kept=is_kept,
        raised_at=time.time(),
    )


def encode_alert(alert: Alert) -> str:
    """Return the SQS message body of an alert."""
    return _ALERT.dump_json(alert).decode()


def decode_alert(body: str) -> Alert:
    """Read an alert from an SQS message body. Raises UnusableMessageError."""
    try:
        return _ALERT.validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UnusableMessageError(f"the message is no alert: {f'{place}: ' if place else ''}{first['msg']}") from error


def describe_age(accepted_at: float) -> str:
    """Say how long ago a task was accepted, and when; any number of seconds since the epoch may go in."""
    try:
        date = datetime.fromtimestamp(accepted_at, UTC)
    except (ValueError, OverflowError, OSError):
        # Not of our making: no calendar has that time.
        return "unknown"
    age = describe_duration(time.time() - accepted_at)
    return f"{age} when it failed for good (accepted {date:%Y-%m-%d %H:%M:%S} UTC)"


def how_to_redrive(task_id: str | None, stack: str | None) -> str:
    """Say how to look at what is kept in `undelivered`, and how to redrive it."""
    if task_id is None or not _SAFE_ID.fullmatch(task_id):
        return f"look at it with {dlq_command('list undelivered', stack)}"
    look, redrive = (dlq_command(f"{command} {task_id}", stack) for command in ("show", "redrive"))
    return f"look at it with {look}, redrive it with {redrive}"


def dlq_command(arguments: str, stack: str | None) -> str:
    """Return the command with these arguments, for the queues of this stack, to be copied into a shell."""
    prefix = f"QUEUE_NAME_PREFIX={stack} " if stack else ""
    return f'`{prefix}make dlq ARGS="{arguments}"`'


def _group_of(cause: ReceivedMessage | str) -> dict[str, str]:
    group = None if isinstance(cause, str) else cause.message_group_id
    return {} if group is None else {"Message group ID": group}


def _id_of(message: ReceivedMessage, headline: str) -> str:
    first = message.first_received_at
    return f"{message.message_id} {headline}" if first is None else f"{message.message_id} {first:.3f} {headline}"


def _shown(text: str, most_bytes: int) -> str:
    return attribute_text(without_secrets(text), most_bytes)
