"""The receiver's database over failures and clocks."""

import asyncio
from pathlib import Path

import httpx
from fastapi import FastAPI

from receiver.store import NewDelivery, open_store


def delivery_of(task_id: str) -> NewDelivery:
    return NewDelivery(task_id=task_id, headers=[], raw_body=b"", verdict="unchecked", reason=None, outcome=None)


async def test_deliveries_keep_their_order_when_the_clock_jumps_back(tmp_path: Path) -> None:
    times = iter([2_000_000_000, 1_000_000_000])
    async with open_store(tmp_path / "receiver.sqlite3", lambda: next(times)) as store:
        for task_id in "ab":
            await store.add_delivery(delivery_of(task_id), status=200)

        newest_first = await store.deliveries(limit=10)
        summary = await store.summary()

    assert [(each.task_id, each.received_at) for each in newest_first] == [
        ("b", "1970-01-01T00:00:01.000+00:00"),
        ("a", "1970-01-01T00:00:02.000+00:00"),
    ]
    assert [task["task_id"] for task in summary] == ["a", "b"]


async def test_ts_of_slack_is_unique_and_increasing_where_the_clock_stands_still(tmp_path: Path) -> None:
    async with open_store(tmp_path / "receiver.sqlite3", lambda: 1_795_482_403_000_000_000) as store:
        posted = await asyncio.gather(*(store.add_slack_message({"text": "t"}) for _ in range(3)))
        newest_first = await store.slack_messages(limit=10)

    stamps = ["1795482403.000000", "1795482403.000001", "1795482403.000002"]
    assert sorted(message.ts for message in posted) == stamps
    assert [message.ts for message in reversed(newest_first)] == stamps


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
