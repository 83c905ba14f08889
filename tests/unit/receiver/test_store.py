"""The receiver's database when it fails."""

import httpx
from fastapi import FastAPI


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
