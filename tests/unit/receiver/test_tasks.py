"""The inbox by task, as the page lists it."""

from typing import Any

import httpx
import pytest

SUCCESS = {"results": [{"sum": 3}], "errors": []}
FAILURE = {"results": [], "errors": [{"details": "no worker reported back", "message": {}}]}


async def deliver(receiver: httpx.AsyncClient, task_id: str, body: Any = SUCCESS, query: str = "") -> None:
    await receiver.post(f"/callback?{query}", json=body, headers={"webhook-id": task_id})


async def page(receiver: httpx.AsyncClient, **query: str | int) -> dict[str, Any]:
    answer = await receiver.get("/tasks", params=query)
    assert answer.status_code == 200, answer.text
    listed: dict[str, Any] = answer.json()
    return listed


async def ids(receiver: httpx.AsyncClient, **query: str | int) -> list[str | None]:
    return [task["task_id"] for task in (await page(receiver, **query))["tasks"]]


async def test_tasks_are_listed_by_their_newest_delivery_newest_first(receiver: httpx.AsyncClient) -> None:
    for task_id in "abcab":
        await deliver(receiver, task_id)
    tasks = (await page(receiver))["tasks"]
    assert [(task["task_id"], task["deliveries"], task["newest"]["id"]) for task in tasks] == [
        ("b", 2, 5),
        ("a", 2, 4),
        ("c", 1, 3),
    ]


async def test_pages_follow_each_other_without_gap_or_overlap(receiver: httpx.AsyncClient) -> None:
    for task_id in "abcde":
        await deliver(receiver, task_id)
    first = (await page(receiver, limit=2))["tasks"]
    assert [task["task_id"] for task in first] == ["e", "d"]
    assert await ids(receiver, limit=2, before=first[-1]["newest"]["id"]) == ["c", "b"]


@pytest.mark.parametrize(
    ("deliveries", "state"),
    [
        ([(SUCCESS, "")], "success"),
        ([(FAILURE, "")], "failure"),
        ([({"hello": 1}, "")], "no_outcome"),
        ([(SUCCESS, "status=503")], "not_taken"),
        ([(SUCCESS, "status=503"), (SUCCESS, "")], "success"),
        ([(SUCCESS, ""), (SUCCESS, "status=503")], "success"),
        ([(FAILURE, ""), (SUCCESS, "")], "success"),
        ([(SUCCESS, ""), (FAILURE, "")], "failure"),
        ([(SUCCESS, ""), ("text", "")], "no_outcome"),
    ],
)
async def test_the_newest_delivery_that_was_taken_gives_the_state(
    receiver: httpx.AsyncClient, deliveries: list[tuple[Any, str]], state: str
) -> None:
    for body, query in deliveries:
        await deliver(receiver, "t", body, query)
    listed = await page(receiver)
    assert [task["state"] for task in listed["tasks"]] == [state]
    assert listed["states"] == {state: 1}


async def test_states_are_counted_whatever_state_is_asked_for(receiver: httpx.AsyncClient) -> None:
    await deliver(receiver, "a")
    await deliver(receiver, "b", FAILURE)
    await deliver(receiver, "c")
    listed = await page(receiver, state="failure", limit=1)
    assert [task["task_id"] for task in listed["tasks"]] == ["b"]
    assert listed["states"] == {"success": 2, "failure": 1}


@pytest.mark.parametrize(
    "text", ["naïve", "NAÏVE".replace("Ï", "ï"), 'say "x"', "100%", "a_b", "back\\slash", "task-1"]
)
async def test_text_is_found_in_ids_and_bodies_however_they_are_written(receiver: httpx.AsyncClient, text: str) -> None:
    await deliver(receiver, "task-1", {"results": [{'naïve say "x" 100% a_b back\\slash': 1}], "errors": []})
    await deliver(receiver, "task-2", {"results": ["1000 axb"], "errors": []})
    assert await ids(receiver, text=text) == ["task-1"]
    assert (await page(receiver, text=text))["states"] == {"success": 1}


async def test_text_is_found_in_any_delivery_of_the_task(receiver: httpx.AsyncClient) -> None:
    await deliver(receiver, "t", {"results": ["needle"]}, "status=503")
    await deliver(receiver, "t")
    assert await ids(receiver, text="needle") == ["t"]


async def test_deliveries_of_no_task_are_one_entry_whose_story_can_be_read(receiver: httpx.AsyncClient) -> None:
    await receiver.post("/callback", json={"task_id": ""})
    await receiver.post("/callback", json=[])
    await deliver(receiver, "t")
    assert await ids(receiver) == ["t", None]
    assert await ids(receiver, text="task_id") == [None]
    callbacks = (await receiver.get("/callbacks", params={"task_id": ""})).json()["callbacks"]
    assert [one["task_id"] for one in callbacks] == [None, None]


@pytest.mark.parametrize("query", ["state=lost", "before=0", "limit=0"])
async def test_query_that_makes_no_sense_is_422(receiver: httpx.AsyncClient, query: str) -> None:
    assert (await receiver.get(f"/tasks?{query}")).status_code == 422


async def test_an_empty_inbox_has_no_tasks(receiver: httpx.AsyncClient) -> None:
    assert await page(receiver) == {"tasks": [], "states": {}}
