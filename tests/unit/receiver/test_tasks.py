"""The tasks that the inbox has heard of, and how their deliveries were answered."""

import asyncio
from typing import Any

import httpx
import pytest

from receiver.callbacks import trace_id_in

SUCCESS = {"results": [{"sum": 3}], "errors": []}
FAILURE = {"results": [], "errors": [{"details": "division by zero", "message": {}}]}


async def deliver(receiver: httpx.AsyncClient, task_id: str, body: Any = SUCCESS, query: str = "") -> int:
    answer = await receiver.post(f"/callback?{query}", json=body, headers={"webhook-id": task_id})
    return answer.status_code


async def tasks(receiver: httpx.AsyncClient, **query: str | int) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = (await receiver.get("/tasks", params=query)).json()["tasks"]
    return listed


async def ids(receiver: httpx.AsyncClient, **query: str | int) -> list[str | None]:
    return [task["task_id"] for task in await tasks(receiver, **query)]


async def test_tasks_are_listed_once_by_their_newest_delivery(receiver: httpx.AsyncClient) -> None:
    for task_id in ("a", "b", "a"):
        await deliver(receiver, task_id)
    assert await ids(receiver) == ["a", "b"]
    [newest, _] = await tasks(receiver)
    assert (newest["deliveries"], newest["newest"]["attempt"]) == (2, 2)


async def test_deliveries_of_no_task_are_one_entry(receiver: httpx.AsyncClient) -> None:
    for _ in range(2):
        await receiver.post("/callback", json={"hello": "world"})
    [one] = await tasks(receiver)
    assert (one["task_id"], one["state"], one["deliveries"]) == (None, "no_outcome", 2)


@pytest.mark.parametrize(
    ("deliveries", "state"),
    [
        ([(SUCCESS, 200)], "success"),
        ([(FAILURE, 200)], "failure"),
        ([({}, 200)], "no_outcome"),
        ([(SUCCESS, 503)], "not_taken"),
        ([(SUCCESS, 503), (SUCCESS, 202)], "success"),
        ([(SUCCESS, 200), (SUCCESS, 503)], "success"),
        ([(FAILURE, 200), (SUCCESS, 200)], "success"),
        ([(SUCCESS, 200), (FAILURE, 200)], "failure"),
        ([(FAILURE, 200), (SUCCESS, 410)], "failure"),
        ([(SUCCESS, 200), ({}, 200)], "no_outcome"),
    ],
)
async def test_a_task_s_state_is_what_its_newest_delivery_that_was_taken_told(
    receiver: httpx.AsyncClient, deliveries: list[tuple[dict[str, Any], int]], state: str
) -> None:
    for body, status in deliveries:
        await deliver(receiver, "t", body, f"status={status}")
    [task] = await tasks(receiver)
    assert task["state"] == state


async def test_states_are_counted_whatever_page_or_state_is_listed(receiver: httpx.AsyncClient) -> None:
    for task_id, body in {"a": SUCCESS, "b": SUCCESS, "c": FAILURE}.items():
        await deliver(receiver, task_id, body)
    await deliver(receiver, "d", query="status=503")
    answer = (await receiver.get("/tasks", params={"state": "success", "limit": 1})).json()
    assert [task["task_id"] for task in answer["tasks"]] == ["b"]
    assert answer["states"] == {"success": 2, "failure": 1, "not_taken": 1}


async def test_pages_follow_each_other_without_gap_or_repetition(receiver: httpx.AsyncClient) -> None:
    for number in range(7):
        await deliver(receiver, f"t-{number}")
    listed: list[dict[str, Any]] = []
    while page := await tasks(receiver, limit=3, before=listed[-1]["newest"]["id"] if listed else 1_000):
        listed += page
    assert [task["task_id"] for task in listed] == [f"t-{number}" for number in reversed(range(7))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("calc", ["by-id-calc"]),
        ("DIVISION by", ["failed"]),
        ("café", ["accented"]),
        ("100%", ["percent"]),
        ("h_llo", []),
        ("a\\b", ["backslash"]),
        ('say "', ["quoted"]),
    ],
)
async def test_text_is_found_in_ids_and_bodies_as_it_is(
    receiver: httpx.AsyncClient, text: str, found: list[str]
) -> None:
    bodies = {
        "by-id-calc": {"x": "hello"},
        "failed": FAILURE,
        "accented": {"x": "café"},
        "percent": {"x": "100%"},
        "backslash": {"x": "a\\b"},
        "quoted": {"x": 'say "no"'},
    }
    for task_id, body in bodies.items():
        await deliver(receiver, task_id, body)
    assert await ids(receiver, text=text) == found
    states: dict[str, int] = (await receiver.get("/tasks", params={"text": text})).json()["states"]
    assert sum(states.values()) == len(found)


async def test_a_task_is_found_by_any_of_its_deliveries(receiver: httpx.AsyncClient) -> None:
    await deliver(receiver, "t", FAILURE)
    await deliver(receiver, "t", SUCCESS)
    assert await ids(receiver, text="division") == ["t"]


async def test_an_answer_s_time_is_told(receiver: httpx.AsyncClient) -> None:
    await deliver(receiver, "t", query="delay=0.05")
    [task] = await tasks(receiver)
    assert task["newest"]["answered_after_ms"] >= 50
    assert task["newest"]["fault"] is None


async def test_a_sender_that_left_is_told_and_has_not_taken_its_answer(served: str) -> None:
    async with httpx.AsyncClient(base_url=served) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post("/callback?delay=300", json=SUCCESS, headers={"webhook-id": "t"}, timeout=0.2)
        async with asyncio.timeout(10):
            while (await tasks(client))[0]["newest"]["fault"] is None:
                pass
        [task] = await tasks(client)
    assert (task["newest"]["fault"], task["state"]) == ("left", "not_taken")
    assert task["newest"]["answered_after_ms"] is not None


@pytest.mark.parametrize("query", ["limit=0", "before=0", "state=lost"])
async def test_query_that_cannot_be_followed_is_422(receiver: httpx.AsyncClient, query: str) -> None:
    assert (await receiver.get(f"/tasks?{query}")).status_code == 422


TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    ("traceparent", "trace_id"),
    [
        (f"00-{TRACE_ID}-b7ad6b7169203331-01", TRACE_ID),
        (f"cc-{TRACE_ID}-b7ad6b7169203331-01-what-the-future-adds", TRACE_ID),
        (f"ff-{TRACE_ID}-b7ad6b7169203331-01", None),
        (f"00-{TRACE_ID.upper()}-b7ad6b7169203331-01", None),
        ("", None),
    ],
)
def test_the_trace_of_a_delivery_is_in_its_traceparent(traceparent: str, trace_id: str | None) -> None:
    assert trace_id_in(traceparent) == trace_id


async def test_the_page_takes_nothing_from_elsewhere_and_is_never_an_old_one(receiver: httpx.AsyncClient) -> None:
    answer = await receiver.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-cache"
    for path in ("/static/page.js", "/static/page.css", "/static/web/base.css"):
        served = await receiver.get(path)
        assert (served.status_code, served.headers["cache-control"]) == (200, "no-cache")
        assert served.headers["x-content-type-options"] == "nosniff"
