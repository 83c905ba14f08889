"""The receiver's database over versions and failures."""

import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
from fastapi import FastAPI

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


async def test_full_disk_is_answered_507_and_stores_nothing(app: FastAPI, receiver: httpx.AsyncClient) -> None:
    async def pragma(assignment: str) -> None:
        await app.state.store._rows(f"PRAGMA {assignment}")  # noqa: SLF001  # SQLite's own limit, in place of a disk's

    await receiver.post("/callback", json={"task_id": "t"})
    await pragma("max_page_count = 1")  # no less than it has

    refused = await receiver.post("/callback", json={"task_id": "t", "results": ["x" * 100_000]})

    assert (refused.status_code, refused.json()) == (507, {"detail": "Nothing was stored: database or disk is full"})
    assert len((await receiver.get("/callbacks")).json()["callbacks"]) == 1
    assert (await receiver.get("/healthcheck")).status_code == 200

    await pragma("max_page_count = 1000000")
    assert (await receiver.post("/callback", json={"task_id": "t"})).status_code == 200
    assert [one["attempt"] for one in (await receiver.get("/callbacks")).json()["callbacks"]] == [1, 2]
