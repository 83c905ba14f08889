"""How the receiver misbehaves: by a delivery's URL, or to all deliveries for a while."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI

from receiver import misbehaviour

FAULTS = ["hang", "close", "drip"]
WHOLE = b'{"status": "ok"}'


@asynccontextmanager
async def delivery(served: str, query: str = "") -> AsyncIterator[asyncio.StreamReader]:
    """Post a delivery over a connection of its own, and read what is answered."""
    address = urlsplit(served)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(f"POST /callback?{query} HTTP/1.1\r\nHost: receiver\r\nWebhook-Id: t\r\n".encode())
    writer.write(b"Content-Length: 0\r\n\r\n")
    try:
        yield reader
    finally:
        writer.transport.abort()


async def until_reset(reader: asyncio.StreamReader) -> bytes:
    """What came before the connection was reset."""
    received = b""
    try:
        while chunk := await reader.read(65536):
            received += chunk
    except ConnectionResetError:
        return received
    raise AssertionError("the connection was closed in order")


@pytest.fixture
async def client(served: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=served, timeout=30) as client:
        yield client


async def listed(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    callbacks: list[dict[str, Any]] = (await client.get("/callbacks")).json()["callbacks"]
    return callbacks


async def answers(client: httpx.AsyncClient, count: int, query: str = "", task_id: str = "t") -> list[int]:
    headers = {"webhook-id": task_id}
    return [(await client.post(f"/callback?{query}", headers=headers)).status_code for _ in range(count)]


async def first_listed(client: httpx.AsyncClient) -> None:
    """Ask until a delivery is listed."""
    async with asyncio.timeout(10):
        while not await listed(client):
            pass


async def test_an_answer_that_hangs_never_begins_and_ends_with_the_receiver(
    served: str, app: FastAPI, client: httpx.AsyncClient
) -> None:
    async with delivery(served, "hang=true") as reader:
        await first_listed(client)
        assert not reader._buffer  # type: ignore[attr-defined]  # noqa: SLF001  # nothing has come
        app.state.stopping.set()
        assert await until_reset(reader) == b""


async def test_an_answer_that_is_closed_is_reset_in_the_middle_of_its_body(served: str) -> None:
    async with delivery(served, "close=true") as reader:
        head, _, body = (await until_reset(reader)).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert f"content-length: {len(WHOLE)}".encode() in head
    assert WHOLE.startswith(body)
    assert 0 < len(body) < len(WHOLE)


async def test_an_answer_that_drips_sends_byte_after_byte_until_the_receiver_stops(served: str, app: FastAPI) -> None:
    app.state.drip_seconds = 0.001
    async with delivery(served, "drip=true") as reader:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert await reader.readexactly(12) == b"1\r\n \r\n" * 2

        app.state.stopping.set()
        await until_reset(reader)


@pytest.mark.parametrize("fault", ["hang", "drip"])
async def test_a_broken_answer_ends_when_its_client_leaves(
    served: str, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    tasks_before = asyncio.all_tasks()
    async with delivery(served, f"{fault}=true"):
        await first_listed(client)
        under_way = asyncio.all_tasks() - tasks_before

    async with asyncio.timeout(10):
        await asyncio.gather(*under_way, return_exceptions=True)
    assert not [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]


@pytest.mark.parametrize("fault", FAULTS)
async def test_times_lets_later_deliveries_of_the_task_be_taken(
    served: str, client: httpx.AsyncClient, fault: str
) -> None:
    async with delivery(served, f"{fault}=true&times=1"):
        await first_listed(client)

    assert await answers(client, 2, f"{fault}=true&times=1") == [200, 200]

    assert [callback["fault"] for callback in await listed(client)] == [fault, None, None]


async def test_times_limits_a_delay_too(client: httpx.AsyncClient) -> None:
    assert await answers(client, 1, "delay=0.001&times=1") == [200]
    assert await answers(client, 1, "delay=300&times=1") == [200]


@pytest.mark.parametrize("query", ["hang=true&close=true", "status=503&drip=true", "hang=perhaps"])
async def test_contradictory_query_is_422(client: httpx.AsyncClient, query: str) -> None:
    assert await answers(client, 1, query) == [422]
    assert await listed(client) == []


async def test_what_stands_is_met_by_every_delivery_until_it_is_lifted(client: httpx.AsyncClient) -> None:
    await client.put("/misbehaviour", json={"status": 503, "retry_after": 7})
    refusal = await client.post("/callback", json={"task_id": "a"})
    assert (refusal.status_code, refusal.headers["retry-after"]) == (503, "7")
    assert await answers(client, 3) == [503, 503, 503]

    assert (await client.delete("/misbehaviour")).status_code == 204

    assert await answers(client, 2) == [200, 200]


async def test_what_stands_is_not_met_by_a_delivery_whose_url_asks_for_something(client: httpx.AsyncClient) -> None:
    await client.put("/misbehaviour", json={"status": 503, "deliveries": 1})
    assert await answers(client, 1, "status=202") == [202]
    assert await answers(client, 2, "customer=7") == [503, 200]


async def test_what_stands_is_used_up_by_so_many_deliveries_of_whatever_task(client: httpx.AsyncClient) -> None:
    await client.put("/misbehaviour", json={"status": 500, "deliveries": 3})

    assert [await answers(client, 1, task_id=task) for task in "abcd"] == [[500], [500], [500], [200]]


async def test_what_stands_can_be_met_by_the_first_deliveries_of_each_task(client: httpx.AsyncClient) -> None:
    await client.put("/misbehaviour", json={"status": 500, "times": 1})

    assert [await answers(client, 2, task_id=task) for task in "ab"] == [[500, 200], [500, 200]]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_broken_answer_can_stand(served: str, client: httpx.AsyncClient, fault: str) -> None:
    await client.put("/misbehaviour", json={fault: True, "deliveries": 1})
    async with delivery(served):
        await first_listed(client)

    assert await answers(client, 1) == [200]

    assert [callback["fault"] for callback in await listed(client)] == [fault, None]


def test_what_stands_ends_after_its_seconds() -> None:
    now = 1000.0
    standing = misbehaviour.Standing(lambda: now)
    standing.order(misbehaviour.StandingMisbehaviour(status=503, seconds=60))
    now += 59
    assert standing.take().status == 503
    assert standing.current() == misbehaviour.StandingMisbehaviour(status=503, seconds=1)
    now += 1
    assert standing.take().status == 200
    assert standing.current() is None


async def test_what_stands_is_shown_with_what_is_left_of_it(client: httpx.AsyncClient) -> None:
    assert (await client.get("/misbehaviour")).json() is None
    ordered = await client.put("/misbehaviour", json={"status": 503, "deliveries": 2})
    assert ordered.json() == {"status": 503, "deliveries": 2}
    await answers(client, 1)
    assert (await client.get("/misbehaviour")).json() == {"status": 503, "deliveries": 1}
    await answers(client, 1)
    assert (await client.get("/misbehaviour")).json() is None


async def test_a_later_order_replaces_an_earlier_one(client: httpx.AsyncClient) -> None:
    await client.put("/misbehaviour", json={"status": 503, "deliveries": 9})
    await client.put("/misbehaviour", json={"status": 500})
    assert (await client.get("/misbehaviour")).json() == {"status": 500}


@pytest.mark.parametrize(
    "order", [{"deliveries": 0}, {"seconds": 0}, {"stauts": 503}, {"hang": True, "drip": True}, []]
)
async def test_order_that_cannot_be_followed_is_422(client: httpx.AsyncClient, order: Any) -> None:
    assert (await client.put("/misbehaviour", json=order)).status_code == 422
    assert (await client.get("/misbehaviour")).json() is None
