"""Server-sent events: each thing that happens, once and in order, whoever was away."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from httpx_sse import EventSource, ServerSentEvent

from receiver.events import MOST_AT_ONCE, start_of

SUCCESS: dict[str, list[Any]] = {"results": [], "errors": []}
TOKEN = {"Authorization": "Bearer xoxb-1"}


@pytest.fixture
async def client(served: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=served, timeout=30) as client:
        yield client


@asynccontextmanager
async def listening(
    client: httpx.AsyncClient, last_event_id: str | None = None, **query: str
) -> AsyncIterator[AsyncIterator[ServerSentEvent]]:
    """The events that come, less the first, which says only where the stream begins."""
    headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
    async with client.stream("GET", "/events", params=query, headers=headers) as response:
        events = EventSource(response).aiter_sse()
        await anext(events)
        yield events


async def following(events: AsyncIterator[ServerSentEvent], count: int) -> list[ServerSentEvent]:
    async with asyncio.timeout(10):
        return [await anext(events) for _ in range(count)]


async def deliver(client: httpx.AsyncClient, task_id: str, query: str = "") -> None:
    await client.post(f"/callback?{query}", json=SUCCESS, headers={"webhook-id": task_id})


async def alert(client: httpx.AsyncClient, text: str) -> None:
    await client.post("/slack/api/chat.postMessage", headers=TOKEN, json={"channel": "#a", "text": text})


def named(events: list[ServerSentEvent]) -> list[tuple[str, Any]]:
    return [(event.event, event.json()) for event in events]


async def test_a_delivery_is_sent_as_it_is_listed_less_what_came_with_it(client: httpx.AsyncClient) -> None:
    async with listening(client) as events:
        await deliver(client, "t", "status=503")
        came, answered = await following(events, 2)
    [listed] = (await client.get("/callbacks")).json()["callbacks"]
    for name in ("headers", "body", "raw_body"):
        del listed[name]
    assert (came.event, came.json() | {"answered_after_ms": listed["answered_after_ms"]}) == ("callback", listed)
    assert named([answered]) == [
        (
            "answered",
            {"id": listed["id"], "task_id": "t", "answered_after_ms": listed["answered_after_ms"], "fault": None},
        )
    ]


async def test_everything_is_sent_in_its_order(client: httpx.AsyncClient) -> None:
    async with listening(client) as events:
        await deliver(client, "t")
        await alert(client, "failed")
        await client.put("/misbehaviour", json={"status": 503, "deliveries": 2})
        await client.delete("/misbehaviour")
        # What is cleared before it is read is not sent.
        heard = await following(events, 5)
        await client.delete("/slack/messages")
        heard += await following(events, 1)
    assert [event.event for event in heard] == [
        "callback",
        "answered",
        "alert",
        "misbehaviour",
        "misbehaviour",
        "cleared",
    ]
    assert heard[2].json()["text"] == "failed"
    assert heard[4].json() is None
    assert heard[5].json() == {"cleared": "alerts"}


async def test_ids_increase(client: httpx.AsyncClient) -> None:
    async with listening(client) as events:
        for _ in range(3):
            await deliver(client, "t")
        ids = [int(event.id) for event in await following(events, 6)]
    assert ids == sorted(set(ids))


async def test_a_client_that_was_away_misses_nothing(client: httpx.AsyncClient) -> None:
    async with listening(client) as events:
        await deliver(client, "before")
        last = (await following(events, 2))[-1].id
    deliveries = MOST_AT_ONCE // 2 + 1  # a delivery makes two events: more than are read at once
    for number in range(deliveries):
        await deliver(client, f"task-{number}")
    async with listening(client, last) as events:
        heard = await following(events, 2 * deliveries)
    assert [event.json()["task_id"] for event in heard if event.event == "callback"] == [
        f"task-{number}" for number in range(deliveries)
    ]


async def test_the_first_event_says_where_to_go_on_from_even_where_nothing_came(client: httpx.AsyncClient) -> None:
    await deliver(client, "before")
    async with client.stream("GET", "/events") as response:
        start = await anext(EventSource(response).aiter_sse())
    assert (start.data, start.retry) == ("", 1000)
    await deliver(client, "while away")
    async with listening(client, start.id) as events:
        [event] = await following(events, 1)
    assert event.json()["task_id"] == "while away"


async def test_what_was_cleared_is_sent_no_more(client: httpx.AsyncClient) -> None:
    await deliver(client, "cleared")
    await client.delete("/callbacks")
    async with listening(client, "0") as events:
        assert named(await following(events, 1)) == [("cleared", {"cleared": "callbacks"})]


async def test_one_task_can_be_followed_with_the_alerts_that_name_it(client: httpx.AsyncClient) -> None:
    async with listening(client, task_id="t") as events:
        await deliver(client, "other")
        await alert(client, "other failed")
        await deliver(client, "t")
        await alert(client, "Task `t` failed")
        heard = await following(events, 3)
    assert [(event.event, event.json().get("task_id", event.json().get("text"))) for event in heard] == [
        ("callback", "t"),
        ("answered", "t"),
        ("alert", "Task `t` failed"),
    ]


async def test_a_client_that_reads_nothing_holds_up_nobody(served: str, client: httpx.AsyncClient) -> None:
    address = urlsplit(served)
    with socket.socket() as stalled:
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.connect((str(address.hostname), int(address.port or 0)))
        stalled.sendall(b"GET /events HTTP/1.1\r\nHost: receiver\r\n\r\n")
        async with listening(client) as events:
            # Together more than the kernel keeps for one that does not read (tcp_wmem: 4 MB).
            for number in range(12):
                await alert(client, f"{number}{'x' * 500_000}")
            heard = await following(events, 12)
    assert json.loads(heard[-1].data)["text"].startswith("11x")


@pytest.mark.parametrize(
    ("last_event_id", "start"),
    [(None, 7), ("5", 5), ("7", 7), ("0", 0), ("8", 0), ("-1", 7), ("x", 7), ("", 7), ("1" * 5000, 7)],
    ids=["none", "earlier", "newest", "all", "of another database", "negative", "no number", "empty", "too long"],
)
def test_a_client_goes_on_behind_its_last_event(last_event_id: str | None, start: int) -> None:
    assert start_of(last_event_id, newest=7) == start
