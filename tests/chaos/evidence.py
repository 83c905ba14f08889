"""What the outside world knows at the end: the receiver's inbox, its Slack channel, the queues, the logs."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from services.queueing.dead_letter import REASON_ATTRIBUTE
from services.queues import UNDELIVERED
from services.telemetry.log_events import ALERT_LOGGED, ALERT_POSTED, ALERT_REFUSED
from stack.broker.api import Sqs

_ALERTS = [f'"event": "{event}"' for event in (ALERT_LOGGED, ALERT_POSTED, ALERT_REFUSED)]

# Longer than a run takes.
_HIDDEN_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery attempt of a callback, as the receiver stored it."""

    id: int
    task_id: str | None
    was_taken: bool
    """Whether it was answered 2xx. A body behind that which never became whole changes nothing: the receiver has it."""
    received_at: float
    """Seconds since the epoch."""
    raw_body: bytes
    verdict: str
    """On its signature."""


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """A message in a queue."""

    body: str
    reason: str
    """Why it is dead; empty where nothing says so."""


_UNSEEN = QueuedMessage("one that the broker does not show", "")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known at one moment."""

    deliveries: Sequence[Delivery]
    slack_messages: Sequence[str]
    """As JSON."""
    logged_alerts: Sequence[str]
    """Each alert in the watcher's log."""
    queued: Mapping[str, Sequence[QueuedMessage]]
    """All messages of each queue, hidden and delayed ones too."""
    unhealthy: Sequence[str] = ()
    """The services that do not do their work."""


def read_deliveries(database: Path, after_id: int = 0) -> list[Delivery]:
    """Read the deliveries that the receiver has stored, whether or not it runs; after that one, in order."""
    return [
        Delivery(
            id=row["id"],
            task_id=row["task_id"],
            was_taken=httpx.codes.is_success(row["status"]) and row["fault"] not in {"hang", "left"},
            received_at=datetime.fromisoformat(row["received_at"]).timestamp(),
            raw_body=row["raw_body"],
            verdict=row["verdict"],
        )
        for row in _read(database, "SELECT * FROM deliveries WHERE id > ? ORDER BY id", after_id)
    ]


def read_slack_messages(database: Path) -> list[str]:
    """Read what was posted to the Slack stand-in, each message as JSON."""
    return [row["arguments"] for row in _read(database, "SELECT arguments FROM slack_messages ORDER BY microseconds")]


def read_logged_alerts(logs: Path, names: Iterable[str]) -> list[str]:
    """Read the lines of these logs that are of an alert: a digest names only its first and its last task."""
    lines = (line for name in names for line in _lines(logs, f"{name}.log*"))
    return [line for line in lines if any(event in line for event in _ALERTS)]


def count_lines(logs: Path, pattern: str, text: str) -> int:
    """Count the lines with the text in all logs of that pattern."""
    return sum(text in line for line in _lines(logs, pattern))


def read_queues(sqs: Sqs, undelivered: dict[str, QueuedMessage]) -> dict[str, list[QueuedMessage]]:
    """Read all messages of all queues.

    Of a broker that does not show them those of the queues that are consumed are counted alone, and those of
    `undelivered` are received, and hidden from then on: that argument has what was seen there before, and is added to.
    """
    if sqs.broker.shows_messages:
        return {name: [_queued(each) for each in sqs.show_messages(url)] for name, url in sqs.queue_urls().items()}
    urls = sqs.queue_urls()
    while messages := sqs.receive(urls[UNDELIVERED], _HIDDEN_SECONDS):
        undelivered.update((message["MessageId"], _queued(message)) for message in messages)
    counted = {name: [_UNSEEN] * sum(sqs.counts(url)) for name, url in urls.items()}
    return {**counted, UNDELIVERED: list(undelivered.values())}


def traces_of(text: str, logs: Path) -> Iterator[str]:
    """The last line of each log that has the text, with the log's name."""
    for file in sorted(logs.glob("*.log*")):
        lines = [line for line in file.read_text(errors="replace").splitlines() if text in line]
        if lines:
            yield f"{file.name}: {lines[-1]}"


def _lines(logs: Path, pattern: str) -> Iterator[str]:
    for file in logs.glob(pattern):
        yield from file.read_text(errors="replace").splitlines()


def _queued(message: Mapping[str, Any]) -> QueuedMessage:
    attribute = message.get("MessageAttributes", {}).get(REASON_ATTRIBUTE, {})
    return QueuedMessage(message["Body"], attribute.get("StringValue", ""))


def _read(database: Path, statement: str, *values: int) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return connection.execute(statement, values).fetchall()
