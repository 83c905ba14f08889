"""What the receiver tells as server-sent events, over real connections."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from receiver.events import MOST_AT_ONCE, start_of

SUCCESS = {"results": [], "errors": []}
SLACK = {"authorization": "Bearer xoxb-test"}


@dataclass(frozen=True)
class Event:
    """One event as it came."""

    id: int
    name: str
    data: Any


@asynccontextmanager
async def listening(
    client: httpx.AsyncClient, last_event_id: int | str | None = None, **query: str
) -> AsyncIterator[AsyncIterator[Event]]:
    """The events of a stream that has begun."""
    headers = {} if last_event_id is None else {"last-event-id": str(last_event_id)}
    async with asyncio.timeout(10), client.stream("GET", "/events", params=query, headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield _events(answer)


async def _events(answer: httpx.Response) -> AsyncIterator[Event]:
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        elif "event" in fields:
            yield Event(int(fields["id"]), fields["event"], json.loads(fields["data"]))
            fields = {}


async def taken(events: AsyncIterator[Event], count: int) -> list[Event]:
    """The next so many events."""
    return [await anext(events) for _ in range(count)]


@pytest.fixture
async def client(served: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=served) as client:
        yield client


async def deliver(client: httpx.AsyncClient, task_id: str) -> None:
    await client.post("/callback", json=SUCCESS, headers={"webhook-id": task_id})


async def alert(client: httpx.AsyncClient, text: str) -> None:
    await client.post("/slack/api/chat.postMessage", json={"channel": "#alerts", "text": text}, headers=SLACK)


async def test_a_delivery_is_told_when_it_comes_and_when_it_was_answered(client: httpx.AsyncClient) -> None:
    async with listening(client) as events:
        await deliver(client, "t")
        came, answered = await taken(events, 2)

    [listed] = (await client.get("/callbacks")).json()["callbacks"]
    assert answered.name == "answered"
    assert answered.data == {name: listed[name] for name in ("id", "task_id", "answered_after_ms", "fault")}
    assert answered.data["answered_after_ms"] > 0
    assert came.name == "callback"
    # What is long or secret is asked for where it is wanted.
    untold = {"headers", "body", "raw_body"}
    assert came.data.keys() == listed.keys() - untold
    assert came.data["task_id"] == "t"


async def test_a_delivery_is_told_before_its_late_answer(client: httpx.AsyncClient, app: FastAPI) -> None:
    async with listening(client) as events:
        late = asyncio.create_task(client.post("/callback?delay=300", json=SUCCESS, headers={"webhook-id": "t"}))
        [came] = await taken(events, 1)
        assert (came.name, came.data["answered_after_ms"]) == ("callback", None)
        assert not late.done()
        app.state.stopping.set()
        await late


async def test_events_come_in_the_order_in_which_it_happened_with_increasing_ids(client: httpx.AsyncClient) -> None:
    async with listening(client) as events:
        for number in range(MOST_AT_ONCE):
            await deliver(client, f"t-{number}")
        told = await taken(events, 2 * MOST_AT_ONCE)

    ids = [event.id for event in told]
    assert ids == sorted(set(ids))
    came = [event.data["task_id"] for event in told if event.name == "callback"]
    assert came == [f"t-{number}" for number in range(MOST_AT_ONCE)]


async def test_a_new_listener_hears_only_what_comes(client: httpx.AsyncClient) -> None:
    await deliver(client, "before")
    async with listening(client) as events:
        await deliver(client, "after")
        [came] = await taken(events, 1)
    assert came.data["task_id"] == "after"


async def test_a_listener_that_comes_back_hears_what_it_missed_and_nothing_twice(client: httpx.AsyncClient) -> None:
    async with listening(client) as events:
        await deliver(client, "first")
        heard = await taken(events, 2)
    for number in range(MOST_AT_ONCE):
        await deliver(client, f"missed-{number}")
    async with listening(client, heard[-1].id) as events:
        await deliver(client, "live")
        missed = await taken(events, 2 * MOST_AT_ONCE + 1)

    came = [event.data["task_id"] for event in missed if event.name == "callback"]
    assert came == [*(f"missed-{number}" for number in range(MOST_AT_ONCE)), "live"]


async def test_a_listener_that_comes_back_before_anything_came_goes_on_from_its_place(
    client: httpx.AsyncClient,
) -> None:
    await deliver(client, "before")
    async with client.stream("GET", "/events") as answer:
        place = await anext(line async for line in answer.aiter_lines() if line.startswith("id:"))
    await deliver(client, "missed")
    async with listening(client, place.removeprefix("id:").strip()) as events:
        [came] = await taken(events, 1)
    assert came.data["task_id"] == "missed"


@pytest.mark.parametrize(
    ("last_event_id", "start"),
    [(None, 7), ("", 7), ("no number", 7), ("-1", 7), ("0", 0), ("5", 5), ("7", 7), ("8", 0)],
    ids=["none", "empty", "no number", "negative", "the first", "one before", "the newest", "of another database"],
)
def test_the_place_from_which_a_listener_goes_on(last_event_id: str | None, start: int) -> None:
    assert start_of(last_event_id, newest=7) == start


async def test_every_listener_hears_everything(client: httpx.AsyncClient) -> None:
    async with listening(client) as one, listening(client) as other:
        await deliver(client, "t")
        assert await taken(one, 2) == await taken(other, 2)


async def test_a_task_s_listener_hears_of_its_deliveries_and_alerts_alone(client: httpx.AsyncClient) -> None:
    async with listening(client, task_id="mine") as events:
        await deliver(client, "other")
        await alert(client, "task other failed")
        await alert(client, "task mine failed")
        await deliver(client, "mine")
        told = await taken(events, 3)
    assert [event.name for event in told] == ["alert", "callback", "answered"]
    assert told[0].data["text"] == "task mine failed"
    assert {event.data["task_id"] for event in told[1:]} == {"mine"}


async def test_the_listener_of_no_task_hears_of_deliveries_without_one(client: httpx.AsyncClient) -> None:
    async with listening(client, task_id="") as events:
        await deliver(client, "other")
        await client.post("/callback", json={"hello": "world"})
        [came] = await taken(events, 1)
    assert came.data["task_id"] is None


async def test_an_alert_is_told_as_it_is_listed(client: httpx.AsyncClient) -> None:
    async with listening(client) as events:
        await alert(client, "a task failed")
        [told] = await taken(events, 1)
    assert told.name == "alert"
    assert [told.data] == (await client.get("/slack/messages")).json()["messages"]


@pytest.mark.parametrize(("path", "what"), [("/callbacks", "callbacks"), ("/slack/messages", "alerts")])
async def test_what_was_emptied_is_told_and_no_longer_replayed(client: httpx.AsyncClient, path: str, what: str) -> None:
    async with listening(client) as events:
        await deliver(client, "t")
        await alert(client, "t failed")
        await client.delete(path)
        told = await taken(events, 4)
    assert (told[-1].name, told[-1].data) == ("cleared", {"cleared": what})

    gone = {"callbacks": {"callback", "answered"}, "alerts": {"alert"}}[what]
    async with listening(client, told[0].id - 1) as events:
        await client.put("/misbehaviour", json={"status": 503})
        replayed = [event.name for event in await taken(events, 5 - len(gone))]
    assert not gone & set(replayed)
    assert replayed[-2:] == ["cleared", "misbehaviour"]


async def test_misbehaviour_is_told_when_it_is_ordered_and_lifted(client: httpx.AsyncClient) -> None:
    async with listening(client) as events:
        await client.put("/misbehaviour", json={"status": 503, "deliveries": 2})
        [ordered] = await taken(events, 1)
        await client.delete("/misbehaviour")
        [lifted] = await taken(events, 1)
    assert (ordered.name, ordered.data) == ("misbehaviour", {"status": 503, "deliveries": 2})
    assert (lifted.name, lifted.data) == ("misbehaviour", None)


async def test_streams_end_when_the_receiver_stops(client: httpx.AsyncClient, app: FastAPI) -> None:
    async with listening(client) as idle, listening(client) as busy:
        await deliver(client, "t")
        await taken(busy, 2)
        await taken(idle, 2)
        app.state.stopping.set()
        assert [event async for event in idle] == []
        assert [event async for event in busy] == []
