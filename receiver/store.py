"""The receiver's state in SQLite.

All goes through one connection, and each change is one statement, so that concurrent deliveries are counted apart.
"""

import asyncio
import re
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import aiosqlite
import simplejson

from receiver import broken_answers

Outcome = Literal["success", "failure"]
DeliveryFault = broken_answers.Fault | Literal["left"]
"""Why an answer never became whole: it was to be broken, or the sender left before it was sent."""
TaskState = Literal["success", "failure", "not_taken", "no_outcome"]
"""What the newest delivery that was taken reported of its task; `not_taken`: none was taken yet."""
ChangeKind = Literal["callback", "answered", "alert", "callbacks cleared", "alerts cleared", "misbehaviour"]

SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT,
    received_at TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    status INTEGER NOT NULL,
    headers TEXT NOT NULL,
    raw_body BLOB NOT NULL,
    verdict TEXT NOT NULL,
    reason TEXT,
    outcome TEXT,
    fault TEXT,
    answered_after_ms REAL
);
CREATE TABLE IF NOT EXISTS slack_messages (
    microseconds INTEGER PRIMARY KEY,
    received_at TEXT NOT NULL,
    arguments TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS slack_rate_limit (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    times INTEGER NOT NULL,
    retry_after INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    subject INTEGER
);
"""

# It covers the count of attempts and the summary, which then read no bodies.
INDEX = """
CREATE INDEX IF NOT EXISTS deliveries_summed_up ON deliveries (task_id, attempt, status, fault, outcome, received_at);
"""

# Each change is noted in the statement that makes it; `subject` is the key of what has changed.
TRIGGERS = """
CREATE TRIGGER IF NOT EXISTS delivery_came AFTER INSERT ON deliveries BEGIN
    INSERT INTO changes (kind, subject) VALUES ('callback', new.id);
END;
CREATE TRIGGER IF NOT EXISTS delivery_answered AFTER UPDATE OF answered_after_ms ON deliveries BEGIN
    INSERT INTO changes (kind, subject) VALUES ('answered', new.id);
END;
CREATE TRIGGER IF NOT EXISTS alert_came AFTER INSERT ON slack_messages BEGIN
    INSERT INTO changes (kind, subject) VALUES ('alert', new.microseconds);
END;
CREATE TRIGGER IF NOT EXISTS callbacks_cleared AFTER INSERT ON changes WHEN new.kind = 'callbacks cleared' BEGIN
    DELETE FROM deliveries;
    DELETE FROM changes WHERE id < new.id AND kind IN ('callback', 'answered');
END;
CREATE TRIGGER IF NOT EXISTS alerts_cleared AFTER INSERT ON changes WHEN new.kind = 'alerts cleared' BEGIN
    DELETE FROM slack_messages;
    DELETE FROM changes WHERE id < new.id AND kind = 'alert';
END;
"""

# The attempt is counted and the status chosen by it within the one statement. `IS` also counts deliveries of no task.
ADD_DELIVERY = """
INSERT INTO deliveries
       (task_id, received_at, attempt, status, fault, headers, raw_body, verdict, reason, outcome)
SELECT :task_id, :received_at, attempt, iif(attempt <= :times, :status, 200), iif(attempt <= :times, :fault, NULL),
       :headers, :raw_body, :verdict, :reason, :outcome
FROM (SELECT coalesce(max(attempt), 0) + 1 AS attempt FROM deliveries WHERE task_id IS :task_id)
RETURNING *
"""
NEWEST_DELIVERIES = "SELECT * FROM deliveries ORDER BY id DESC LIMIT :limit"
NEWEST_DELIVERIES_OF_TASK = "SELECT * FROM deliveries WHERE task_id IS :task_id ORDER BY id DESC LIMIT :limit"
SET_ANSWERED = "UPDATE deliveries SET answered_after_ms = :after_ms, fault = coalesce(:fault, fault) WHERE id = :id"
SUMMARY = """
WITH summed_up AS (
    SELECT *, status < 300 AND fault IS NULL AS is_taken FROM deliveries
)
SELECT task_id, count(*) AS deliveries, sum(is_taken) AS taken, sum(is_taken AND outcome IS 'success') AS successes,
       sum(is_taken AND outcome IS 'failure') AS failures, min(iif(is_taken, received_at, NULL)) AS first_taken_at
FROM summed_up GROUP BY task_id ORDER BY min(id)
"""

# Without a text to look for no body is read. LIKE takes the ASCII letters of either case for the same.
_JUDGED_TASKS = """
WITH of_task AS (
    SELECT task_id, max(id) AS newest, count(*) AS deliveries,
           max(iif(is_taken, id, 0)) AS taken,
           max(iif(is_taken AND outcome IS 'success', id, 0)) AS success,
           max(iif(is_taken AND outcome IS 'failure', id, 0)) AS failure
    FROM (SELECT *, status < 300 AND fault IS NULL AS is_taken FROM deliveries)
    GROUP BY task_id{having}
), judged AS (
    SELECT newest, deliveries,
           CASE taken WHEN 0 THEN 'not_taken' WHEN success THEN 'success' WHEN failure THEN 'failure' ELSE 'no_outcome'
           END AS state
    FROM of_task
)
"""
_HAS_TEXT = " OR ".join(
    f"{where} LIKE :{pattern} ESCAPE '\\'"
    for where in ("task_id", "CAST(raw_body AS TEXT)", "iif(verdict = 'invalid', reason, NULL)")
    for pattern in ("text", "text_in_json")
)
ALL_TASKS = _JUDGED_TASKS.format(having="")
TASKS_WITH_TEXT = _JUDGED_TASKS.format(having=f" HAVING max({_HAS_TEXT})")
_HEAD = "id, task_id, received_at, attempt, status, fault, outcome, verdict, reason, answered_after_ms"
PAGE_OF_TASKS = f"""
SELECT deliveries, state, {_HEAD} FROM judged JOIN deliveries AS delivery ON delivery.id = newest
WHERE (:state IS NULL OR state = :state) AND newest < :before ORDER BY newest DESC LIMIT :limit
"""  # noqa: S608  # column names
COUNT_OF_STATES = "SELECT state, count(*) AS tasks FROM judged GROUP BY state"

NEWEST_CHANGE = "SELECT coalesce(max(id), 0) AS id FROM changes"
ADD_CHANGE = "INSERT INTO changes (kind) VALUES (:kind)"
CHANGES = f"""
SELECT changes.id AS change, kind, {", ".join(f"deliveries.{column}" for column in _HEAD.split(", "))},
       microseconds, slack_messages.received_at AS posted_at, arguments
FROM (SELECT * FROM changes WHERE id > :after ORDER BY id LIMIT :limit) AS changes
LEFT JOIN deliveries ON kind IN ('callback', 'answered') AND deliveries.id = subject
LEFT JOIN slack_messages ON kind = 'alert' AND microseconds = subject
ORDER BY changes.id
"""  # noqa: S608  # the same

# A message's ts is its key in Slack: unique and increasing even where the clock is not.
ADD_SLACK_MESSAGE = """
INSERT INTO slack_messages (microseconds, received_at, arguments)
SELECT max(:now, coalesce(max(microseconds), 0) + 1), :received_at, :arguments FROM slack_messages
RETURNING *
"""
NEWEST_SLACK_MESSAGES = """
SELECT * FROM slack_messages WHERE :text IS NULL OR instr(arguments, :text) ORDER BY microseconds DESC LIMIT :limit
"""
SET_RATE_LIMIT = "INSERT OR REPLACE INTO slack_rate_limit VALUES (1, :times, :retry_after)"
USE_RATE_LIMIT = "UPDATE slack_rate_limit SET times = times - 1 WHERE times > 0 RETURNING retry_after"

ALWAYS = 2**63 - 1  # more attempts than SQLite can count


@dataclass(frozen=True, kw_only=True)
class NewDelivery:
    """A delivery as it came: headers as (name, value) pairs in order, the body's very bytes, the verdict on both."""

    task_id: str | None
    headers: Sequence[tuple[str, str]]
    raw_body: bytes
    verdict: str
    reason: str | None
    outcome: Outcome | None


@dataclass(frozen=True, kw_only=True)
class DeliveryHead:
    """A stored delivery without what came with it.

    `attempt` counts those of its task from 1; `status` and `fault` are how it was answered, `answered_after_ms`
    milliseconds after it came, None while it is under way.
    """

    id: int
    task_id: str | None
    received_at: str
    attempt: int
    status: int
    fault: DeliveryFault | None
    outcome: Outcome | None
    verdict: str
    reason: str | None
    answered_after_ms: float | None


@dataclass(frozen=True, kw_only=True)
class Delivery(DeliveryHead):
    """A stored delivery with the headers and the bytes that came."""

    headers: Sequence[tuple[str, str]]
    raw_body: bytes


@dataclass(frozen=True, kw_only=True)
class Task:
    """What came of a task: its newest delivery, the number of all, and where it stands."""

    newest: DeliveryHead
    deliveries: int
    state: TaskState


@dataclass(frozen=True)
class SlackMessage:
    """A message posted to the Slack stand-in, with the arguments it was posted with."""

    ts: str
    received_at: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Change:
    """One thing that has happened, with the delivery or the message that it happened to; ids increase."""

    id: int
    kind: ChangeKind
    delivery: DeliveryHead | None
    message: SlackMessage | None


class Store:
    """Reads and writes over the one connection."""

    def __init__(self, connection: aiosqlite.Connection, time_ns: Callable[[], int]) -> None:
        self._connection = connection
        self._time_ns = time_ns
        self.changed = asyncio.Event()
        """Set at the next change; then another takes its place."""

    async def add_delivery(
        self, new: NewDelivery, *, status: int, fault: DeliveryFault | None = None, times: int = ALWAYS
    ) -> Delivery:
        """Store a delivery, answered so if it is among the first `times` of its task, else with a whole 200."""
        values = asdict(new) | {"headers": simplejson.dumps(new.headers), "received_at": _text_of(self._time_ns())}
        answer = {"status": status, "fault": fault, "times": times}
        [row] = await self._write(ADD_DELIVERY, values | answer)
        return _delivery(row)

    async def set_answered(self, delivery_id: int, *, after_ms: float, fault: DeliveryFault | None = None) -> None:
        """Note when a delivery was answered, and that it was not to the end where there was a fault."""
        await self._write(SET_ANSWERED, {"id": delivery_id, "after_ms": after_ms, "fault": fault})

    async def deliveries(self, *, task_id: str | None = None, limit: int) -> list[Delivery]:
        """The newest `limit` deliveries, of one task or of all, newest first; those of no task are of task ""."""
        query = NEWEST_DELIVERIES if task_id is None else NEWEST_DELIVERIES_OF_TASK
        return [_delivery(row) for row in await self._rows(query, {"task_id": task_id or None, "limit": limit})]

    async def tasks(
        self, *, text: str | None = None, state: TaskState | None = None, before: int = ALWAYS, limit: int
    ) -> list[Task]:
        """The `limit` tasks with the newest deliveries, newest first, of those whose newest came before that one.

        Only those in that state, and those of which a delivery has the text in its task_id, its body, or the reason
        why its signature is invalid.
        """
        values = {"state": state, "before": before, "limit": limit}
        return [_task(row) for row in await self._rows(*_of_tasks(PAGE_OF_TASKS, text, values))]

    async def count_tasks(self, *, text: str | None = None) -> dict[TaskState, int]:
        """How many tasks are in each state, of all or of those with the text."""
        return {row["state"]: row["tasks"] for row in await self._rows(*_of_tasks(COUNT_OF_STATES, text, {}))}

    async def summary(self) -> list[dict[str, Any]]:
        """For each task the number of its deliveries, of those taken, and of what these reported."""
        return [dict(row) for row in await self._rows(SUMMARY)]

    async def delete_deliveries(self) -> None:
        """Forget all deliveries; attempts are counted from 1 again."""
        await self.add_change("callbacks cleared")

    async def add_slack_message(self, arguments: dict[str, Any]) -> SlackMessage:
        """Store a message and give it its ts."""
        now = self._time_ns()
        values = {"now": now // 1000, "received_at": _text_of(now), "arguments": simplejson.dumps(arguments)}
        [row] = await self._write(ADD_SLACK_MESSAGE, values)
        return _slack_message(row)

    async def slack_messages(self, *, text: str | None = None, limit: int) -> list[SlackMessage]:
        """The newest `limit` messages, newest first; only those that have the text, where one is given."""
        rows = await self._rows(NEWEST_SLACK_MESSAGES, {"text": text, "limit": limit})
        return [_slack_message(row) for row in rows]

    async def delete_slack_messages(self) -> None:
        """Forget all messages."""
        await self.add_change("alerts cleared")

    async def changes(self, *, after: int, limit: int) -> list[Change]:
        """The first `limit` changes behind that one, in order."""
        return [_change(row) for row in await self._rows(CHANGES, {"after": after, "limit": limit})]

    async def newest_change(self) -> int:
        """The id of the newest change, 0 where there is none."""
        return int((await self._rows(NEWEST_CHANGE))[0]["id"])

    async def add_change(self, kind: ChangeKind) -> None:
        """Note a change that concerns no delivery and no message; what it clears is forgotten."""
        await self._write(ADD_CHANGE, {"kind": kind})

    async def set_rate_limit(self, *, times: int, retry_after: int) -> None:
        """Let the next `times` Slack calls be refused, each to be repeated after `retry_after` seconds."""
        await self._rows(SET_RATE_LIMIT, {"times": times, "retry_after": retry_after})

    async def use_rate_limit(self) -> int | None:
        """Count one Slack call against the rate limit; the seconds to wait, or None where the call may pass."""
        rows = await self._rows(USE_RATE_LIMIT)
        return rows[0]["retry_after"] if rows else None

    async def _write(self, statement: str, values: dict[str, Any]) -> list[sqlite3.Row]:
        rows = await self._rows(statement, values)
        self.changed.set()
        self.changed = asyncio.Event()
        return rows

    async def _rows(self, statement: str, values: dict[str, Any] | None = None) -> list[sqlite3.Row]:
        return list(await self._connection.execute_fetchall(statement, values or {}))


def prepare_database(path: Path) -> None:
    """Make the database with its folder and tables, where they do not exist.

    Raises OSError where the folder cannot be made, sqlite3.Error where the file cannot be written or is no database.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA + INDEX + TRIGGERS)


@asynccontextmanager
async def open_store(path: Path, time_ns: Callable[[], int] = time.time_ns) -> AsyncIterator[Store]:
    """Open the database; the clock counts nanoseconds since the epoch. Raises what `prepare_database` raises."""
    prepare_database(path)
    async with aiosqlite.connect(path, isolation_level=None) as connection:  # None = a transaction for each statement
        connection.row_factory = sqlite3.Row
        await connection.execute("PRAGMA synchronous = NORMAL")  # WAL then needs no fsync for each delivery
        yield Store(connection, time_ns)


def _of_tasks(query: str, text: str | None, values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if text is None:
        return ALL_TASKS + query, values
    in_json = simplejson.dumps(text)[1:-1]  # letters beyond ASCII, quotes: as most senders write them
    return TASKS_WITH_TEXT + query, values | {"text": _containing(text), "text_in_json": _containing(in_json)}


def _containing(text: str) -> str:
    return "%" + re.sub(r"([%_\\])", r"\\\1", text) + "%"


def _delivery(row: sqlite3.Row) -> Delivery:
    return Delivery(**dict(row) | {"headers": [(name, value) for name, value in simplejson.loads(row["headers"])]})


def _head(row: sqlite3.Row) -> DeliveryHead:
    return DeliveryHead(**{column: row[column] for column in _HEAD.split(", ")})


def _task(row: sqlite3.Row) -> Task:
    return Task(newest=_head(row), deliveries=row["deliveries"], state=row["state"])


def _change(row: sqlite3.Row) -> Change:
    posted = {"microseconds": row["microseconds"], "received_at": row["posted_at"], "arguments": row["arguments"]}
    return Change(
        row["change"],
        row["kind"],
        delivery=None if row["id"] is None else _head(row),
        message=None if row["microseconds"] is None else _slack_message(posted),
    )


def _slack_message(row: sqlite3.Row | dict[str, Any]) -> SlackMessage:
    seconds, microseconds = divmod(row["microseconds"], 1_000_000)
    arguments = simplejson.loads(row["arguments"], use_decimal=True)
    return SlackMessage(f"{seconds}.{microseconds:06}", row["received_at"], arguments)


def _text_of(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns / 1_000_000_000, UTC).isoformat(timespec="milliseconds")
