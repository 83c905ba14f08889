"""The receiver's state in SQLite.

All goes through one connection, and each change is one statement, so that concurrent deliveries are counted apart.
"""

import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import aiosqlite
import simplejson

from receiver.broken_answers import Fault

Outcome = Literal["success", "failure"]

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
    fault TEXT
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
"""

# What databases of earlier versions lack.
LATER_COLUMNS = ("outcome", "fault")

# It covers the count of attempts and the summary, which then read no bodies.
INDEX = """
DROP INDEX IF EXISTS deliveries_of_task;
CREATE INDEX IF NOT EXISTS deliveries_summed_up ON deliveries (task_id, attempt, status, fault, outcome, received_at);
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
NEWEST_DELIVERIES_OF_TASK = "SELECT * FROM deliveries WHERE task_id = :task_id ORDER BY id DESC LIMIT :limit"
SUMMARY = """
WITH summed_up AS (
    SELECT *, status < 300 AND fault IS NULL AS is_taken FROM deliveries
)
SELECT task_id, count(*) AS deliveries, sum(is_taken) AS taken, sum(is_taken AND outcome IS 'success') AS successes,
       sum(is_taken AND outcome IS 'failure') AS failures, min(iif(is_taken, received_at, NULL)) AS first_taken_at
FROM summed_up GROUP BY task_id ORDER BY min(id)
"""

# A message's ts is its key in Slack: unique and increasing even where the clock is not.
ADD_SLACK_MESSAGE = """
INSERT INTO slack_messages (microseconds, received_at, arguments)
SELECT max(:now, coalesce(max(microseconds), 0) + 1), :received_at, :arguments FROM slack_messages
RETURNING *
"""
NEWEST_SLACK_MESSAGES = "SELECT * FROM slack_messages ORDER BY microseconds DESC LIMIT :limit"
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
class Delivery(NewDelivery):
    """A stored delivery: `attempt` counts those of its task from 1, `status` and `fault` are how it was answered."""

    id: int
    received_at: str
    attempt: int
    status: int
    fault: Fault | None


@dataclass(frozen=True)
class SlackMessage:
    """A message posted to the Slack stand-in, with the arguments it was posted with."""

    ts: str
    received_at: str
    arguments: dict[str, Any]


class Store:
    """Reads and writes over the one connection."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def add_delivery(
        self, new: NewDelivery, *, status: int, fault: Fault | None = None, times: int = ALWAYS
    ) -> Delivery:
        """Store a delivery, answered so if it is among the first `times` of its task, else with a whole 200."""
        values = asdict(new) | {"headers": simplejson.dumps(new.headers), "received_at": _now()}
        answer = {"status": status, "fault": fault, "times": times}
        return _delivery((await self._rows(ADD_DELIVERY, values | answer))[0])

    async def deliveries(self, *, task_id: str | None = None, limit: int) -> list[Delivery]:
        """The newest `limit` deliveries, of one task or of all, newest first."""
        query = NEWEST_DELIVERIES if task_id is None else NEWEST_DELIVERIES_OF_TASK
        return [_delivery(row) for row in await self._rows(query, {"task_id": task_id, "limit": limit})]

    async def summary(self) -> list[dict[str, Any]]:
        """For each task the number of its deliveries, of those taken, and of what these told."""
        return [dict(row) for row in await self._rows(SUMMARY)]

    async def delete_deliveries(self) -> None:
        """Forget all deliveries; attempts are counted from 1 again."""
        await self._rows("DELETE FROM deliveries")

    async def add_slack_message(self, arguments: dict[str, Any]) -> SlackMessage:
        """Store a message and give it its ts."""
        values = {"now": time.time_ns() // 1000, "received_at": _now(), "arguments": simplejson.dumps(arguments)}
        return _slack_message((await self._rows(ADD_SLACK_MESSAGE, values))[0])

    async def slack_messages(self, *, limit: int) -> list[SlackMessage]:
        """The newest `limit` messages, newest first."""
        return [_slack_message(row) for row in await self._rows(NEWEST_SLACK_MESSAGES, {"limit": limit})]

    async def delete_slack_messages(self) -> None:
        """Forget all messages."""
        await self._rows("DELETE FROM slack_messages")

    async def set_rate_limit(self, *, times: int, retry_after: int) -> None:
        """Let the next `times` Slack calls be refused, each to be repeated after `retry_after` seconds."""
        await self._rows(SET_RATE_LIMIT, {"times": times, "retry_after": retry_after})

    async def use_rate_limit(self) -> int | None:
        """Count one Slack call against the rate limit; the seconds to wait, or None where the call may pass."""
        rows = await self._rows(USE_RATE_LIMIT)
        return rows[0]["retry_after"] if rows else None

    async def _rows(self, statement: str, values: dict[str, Any] | None = None) -> list[sqlite3.Row]:
        return list(await self._connection.execute_fetchall(statement, values or {}))


def prepare_database(path: Path) -> None:
    """Make the database with its folder and tables, where they do not exist.

    Raises OSError where the folder cannot be made, sqlite3.Error where the file cannot be written or is no database.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA)
        columns = {name for _, name, *_ in connection.execute("PRAGMA table_info (deliveries)")}
        for column in LATER_COLUMNS:
            if column not in columns:
                connection.execute(f"ALTER TABLE deliveries ADD COLUMN {column} TEXT")
        connection.executescript(INDEX)


@asynccontextmanager
async def open_store(path: Path) -> AsyncIterator[Store]:
    """Open the database. Raises what `prepare_database` raises."""
    prepare_database(path)
    async with aiosqlite.connect(path, isolation_level=None) as connection:  # None = a transaction for each statement
        connection.row_factory = sqlite3.Row
        await connection.execute("PRAGMA synchronous = NORMAL")  # WAL then needs no fsync for each delivery
        yield Store(connection)


def _delivery(row: sqlite3.Row) -> Delivery:
    return Delivery(**dict(row) | {"headers": [(name, value) for name, value in simplejson.loads(row["headers"])]})


def _slack_message(row: sqlite3.Row) -> SlackMessage:
    seconds, microseconds = divmod(row["microseconds"], 1_000_000)
    arguments = simplejson.loads(row["arguments"], use_decimal=True)
    return SlackMessage(f"{seconds}.{microseconds:06}", row["received_at"], arguments)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
