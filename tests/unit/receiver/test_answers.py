"""When and how a delivery was answered, and of which trace it is."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from receiver.callbacks import trace_id_in
from receiver.log_events import CALLBACK_RECEIVED


async def listed(receiver: httpx.AsyncClient) -> list[dict[str, Any]]:
    callbacks: list[dict[str, Any]] = (await receiver.get("/callbacks")).json()["callbacks"]
    return callbacks


async def first_listed(receiver: httpx.AsyncClient) -> dict[str, Any]:
    """Ask until a delivery is listed."""
    async with asyncio.timeout(10):
        while not (callbacks := await listed(receiver)):
            pass
    return callbacks[0]


async def over(receiver: httpx.AsyncClient) -> dict[str, Any]:
    """Ask until the delivery is under way no more."""
    async with asyncio.timeout(10):
        while (callback := await first_listed(receiver))["answered_after_ms"] is None:
            pass
    return callback


async def deliver_and_leave(client: httpx.AsyncClient, query: str) -> None:
    """Deliver what is not answered, and leave when it has come."""
    delivering = asyncio.create_task(client.post(f"/callback?{query}", timeout=None))
    assert (await first_listed(client))["answered_after_ms"] is None
    delivering.cancel()
    await asyncio.wait({delivering})


async def test_the_time_until_the_answer_holds_its_delay(receiver: httpx.AsyncClient) -> None:
    await receiver.post("/callback?delay=0.05")
    [callback] = await listed(receiver)
    assert callback["answered_after_ms"] >= 50


async def test_it_is_null_while_the_answer_is_under_way(app: FastAPI, receiver: httpx.AsyncClient) -> None:
    late = asyncio.create_task(receiver.post("/callback?delay=300"))
    assert (await first_listed(receiver))["answered_after_ms"] is None
    app.state.stopping.set()
    await late
    assert (await first_listed(receiver))["answered_after_ms"] is not None


@pytest.mark.parametrize("fault", ["hang", "drip"])
async def test_an_answer_without_end_is_over_when_its_sender_leaves(served: str, fault: str) -> None:
    async with httpx.AsyncClient(base_url=served, timeout=30) as client:
        await deliver_and_leave(client, f"{fault}=true")
        callback = await over(client)
    assert callback["fault"] == fault


async def test_a_sender_that_leaves_before_the_answer_is_listed(served: str) -> None:
    async with httpx.AsyncClient(base_url=served, timeout=30) as client:
        await deliver_and_leave(client, "delay=300")
        callback = await over(client)
        tasks = (await client.get("/callbacks/summary")).json()["tasks"]
    assert (callback["status"], callback["fault"]) == (200, "left")
    assert [task["taken"] for task in tasks] == [0]


async def test_a_delivery_is_logged_as_answered_when_it_is(app: FastAPI, receiver: httpx.AsyncClient) -> None:
    with capture_logs() as logs:
        late = asyncio.create_task(receiver.post("/callback?delay=300"))
        await first_listed(receiver)
        before_the_answer = list(logs)
        app.state.stopping.set()
        await late
    assert before_the_answer == []
    assert [(line["event"], line["status"]) for line in logs] == [(CALLBACK_RECEIVED, 200)]


async def test_a_delivery_whose_sender_leaves_before_the_answer_is_not_logged_as_answered(served: str) -> None:
    async with httpx.AsyncClient(base_url=served, timeout=30) as client:
        with capture_logs() as logs:
            await deliver_and_leave(client, "delay=300")
            await over(client)
    [line] = (line for line in logs if line["event"] == CALLBACK_RECEIVED)
    assert (line["fault"], "status" in line) == ("left", False)


TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    ("traceparent", "trace_id"),
    [
        (f"00-{TRACE}-b7ad6b7169203331-01", TRACE),
        (f"cc-{TRACE}-b7ad6b7169203331-01-of-a-later-version", TRACE),
        (f"ff-{TRACE}-b7ad6b7169203331-01", None),
        (f"00-{TRACE}-b7ad6b7169203331", None),
        (f"00-{TRACE.upper()}-b7ad6b7169203331-01", None),
        ("", None),
    ],
)
def test_the_trace_is_that_of_the_traceparent_header(traceparent: str, trace_id: str | None) -> None:
    assert trace_id_in(traceparent) == trace_id
