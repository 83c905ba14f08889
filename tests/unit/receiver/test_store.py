"""The receiver's database over versions and failures."""

import sqlite3
from contextlib import closing
from pathlib import Path

from receiver.store import open_store

EARLIER_SCHEMA = """
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, task_id TEXT, received_at TEXT NOT NULL, attempt INTEGER NOT NULL,
    status INTEGER NOT NULL, headers TEXT NOT NULL, raw_body BLOB NOT NULL, verdict TEXT NOT NULL, reason TEXT
);
CREATE INDEX deliveries_of_task ON deliveries (task_id, attempt);
INSERT INTO deliveries VALUES (1, 't', '2026-01-01T00:00:00.000+00:00', 1, 503, '[]', x'7b7d', 'missing', NULL);
"""


async def test_database_of_an_earlier_version_is_taken_on(tmp_path: Path) -> None:
    path = tmp_path / "receiver.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(EARLIER_SCHEMA)

    for _ in range(2):
        async with open_store(path) as store:
            [delivery] = await store.deliveries(limit=10)

    assert (delivery.status, delivery.fault, delivery.outcome) == (503, None, None)
