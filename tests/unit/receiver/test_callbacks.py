import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI

from receiver.app import create_app
from receiver.settings import Settings
from receiver.store import SUMMARY, NewDelivery

Open = Callable[[FastAPI], AbstractAsyncContextManager[httpx.AsyncClient]]


async def listed(receiver: httpx.AsyncClient, **query: str | int) -> list[dict[str, Any]]:
    callbacks: list[dict[str, Any]] = (await receiver.get("/callbacks", params=query)).json()["callbacks"]
    return callbacks


async def first_listed(receiver: httpx.AsyncClient) -> None:
    """Ask until a delivery is listed."""
    async with asyncio.timeout(10):
        while not await listed(receiver):
            pass


async def statuses(receiver: httpx.AsyncClient, query: str, *, task_ids: str) -> list[int]:
    """The answers to one delivery for each letter, in order."""
    return [(await receiver.post(f"/callback?{query}", json={"task_id": one})).status_code for one in task_ids]


async def test_delivery_is_answered_200_and_listed(receiver: httpx.AsyncClient) -> None:
    body = {"results": [{"calc_0": 123.76}], "errors": [], "task_id": "t"}

    answer = await receiver.post("/callback", json=body)

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    [callback] = await listed(receiver)
    assert callback["body"] == body
    assert (callback["task_id"], callback["attempt"], callback["status"]) == ("t", 1, 200)
    assert callback["signature"]["verdict"] == "unchecked"


async def test_time_of_receipt_is_utc(receiver: httpx.AsyncClient) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    await receiver.post("/callback")
    [callback] = await listed(receiver)
    received_at = datetime.fromisoformat(callback["received_at"])
    assert received_at.utcoffset() == timedelta(0)
    assert before <= received_at <= datetime.now(UTC)


async def test_headers_are_kept_and_repeated_ones_joined(receiver: httpx.AsyncClient) -> None:
    headers = [("Webhook-Id", "t"), ("X-Tag", "one"), ("X-Tag", "two"), ("X-Latin", "café".encode("latin-1"))]
    await receiver.post("/callback", headers=headers)  # type: ignore[arg-type]
    [callback] = await listed(receiver)
    assert callback["headers"]["webhook-id"] == "t"
    assert callback["headers"]["x-tag"] == "one, two"
    assert callback["headers"]["x-latin"] == "café"


@pytest.mark.parametrize("raw", [b"", b"no JSON", b'{"cut": ', b"[NaN]", b"[Infinity]", b"[" * 100_000, b"9" * 5000])
async def test_body_that_is_no_json_is_kept_as_text(receiver: httpx.AsyncClient, raw: bytes) -> None:
    assert (await receiver.post("/callback", content=raw)).status_code == 200
    [callback] = await listed(receiver)
    assert (callback["body"], callback["raw_body"], callback["task_id"]) == (None, raw.decode(), None)


async def test_bytes_that_are_not_utf8_are_shown_with_replacement(receiver: httpx.AsyncClient) -> None:
    await receiver.post("/callback", content=b'{"task_id": "\xff"}')
    [callback] = await listed(receiver)
    assert (callback["body"], callback["raw_body"]) == (None, '{"task_id": "\ufffd"}')


@pytest.mark.parametrize("number", ["785687255.243500", "0.1000000000000000055511151231257827", "1E+400", "880"])
async def test_numbers_are_listed_digit_by_digit(receiver: httpx.AsyncClient, number: str) -> None:
    await receiver.post("/callback", content=f'{{"results":[{number}]}}')
    assert f'"body": {{"results":[{number}]}}' in (await receiver.get("/callbacks")).text


async def test_exponent_beyond_decimals_does_not_break_the_inbox(receiver: httpx.AsyncClient) -> None:
    await receiver.post("/callback", content="[1e99999999999999999999]")
    [callback] = await listed(receiver)
    assert callback["body"] is None


async def test_body_with_a_byte_order_mark_is_json(receiver: httpx.AsyncClient) -> None:
    await receiver.post("/callback", content=b'\xef\xbb\xbf{"task_id": "t"}')
    [callback] = await listed(receiver)
    assert (callback["task_id"], callback["body"]) == ("t", {"task_id": "t"})


@pytest.mark.parametrize(
    ("headers", "body", "task_id"),
    [
        ({"webhook-id": "header"}, '{"task_id": "body"}', "header"),
        ({}, '{"task_id": "body"}', "body"),
        ({}, '{"task_id": 7}', None),
        ({}, '{"task_id": "\\ud800"}', "?"),
        ({}, "[]", None),
    ],
    ids=["header", "body", "no text", "no unicode text", "none"],
)
async def test_task_id_is_the_webhook_id_else_the_bodys(
    receiver: httpx.AsyncClient, headers: dict[str, str], body: str, task_id: str | None
) -> None:
    await receiver.post("/callback", headers=headers, content=body)
    assert [callback["task_id"] for callback in await listed(receiver)] == [task_id]


async def test_attempts_are_counted_for_each_task(receiver: httpx.AsyncClient) -> None:
    await statuses(receiver, "", task_ids="abaab")
    assert [callback["attempt"] for callback in await listed(receiver, task_id="a")] == [1, 2, 3]
    assert [callback["attempt"] for callback in await listed(receiver, task_id="b")] == [1, 2]


async def test_deliveries_of_no_task_are_counted_together(receiver: httpx.AsyncClient) -> None:
    answers = [(await receiver.post("/callback?status=503&times=2")).status_code for _ in range(3)]
    assert answers == [503, 503, 200]
    assert [callback["attempt"] for callback in await listed(receiver)] == [1, 2, 3]


async def test_concurrent_deliveries_get_different_attempts(receiver: httpx.AsyncClient) -> None:
    posts = (receiver.post("/callback?status=503&times=20", json={"task_id": "t"}) for _ in range(50))
    answers = await asyncio.gather(*posts)
    assert sorted(answer.status_code for answer in answers) == [200] * 30 + [503] * 20
    callbacks = await listed(receiver)
    assert sorted(callback["attempt"] for callback in callbacks) == list(range(1, 51))
    assert all((callback["status"] == 503) == (callback["attempt"] <= 20) for callback in callbacks)


@pytest.mark.parametrize(
    ("query", "task_ids", "answers"),
    [
        ("status=503", "aaa", [503, 503, 503]),
        ("status=503&times=2", "ababab", [503, 503, 503, 503, 200, 200]),
        ("status=503&times=0", "a", [200]),
    ],
)
async def test_status_refuses_every_delivery_or_the_first_of_each_task_and_stores_it(
    receiver: httpx.AsyncClient, query: str, task_ids: str, answers: list[int]
) -> None:
    assert await statuses(receiver, query, task_ids=task_ids) == answers
    assert [callback["status"] for callback in await listed(receiver)] == answers


async def test_times_is_judged_by_all_deliveries_of_the_task(receiver: httpx.AsyncClient) -> None:
    await statuses(receiver, "", task_ids="a")
    assert await statuses(receiver, "status=500&times=2", task_ids="aa") == [500, 200]


@pytest.mark.parametrize("status", [204, 205, 304])
async def test_status_without_body_is_answered_without_body(receiver: httpx.AsyncClient, status: int) -> None:
    answer = await receiver.post(f"/callback?status={status}")
    assert (answer.status_code, answer.content) == (status, b"")


async def test_other_accepting_status_is_no_refusal(receiver: httpx.AsyncClient) -> None:
    answer = await receiver.post("/callback?status=202&retry_after=1")
    assert (answer.status_code, answer.json()) == (202, {"status": "ok"})
    assert "retry-after" not in answer.headers


async def test_retry_after_is_given_by_refusals_only(receiver: httpx.AsyncClient) -> None:
    refusal = await receiver.post("/callback?status=429&times=1&retry_after=7")
    accepted = await receiver.post("/callback?status=429&times=1&retry_after=7")
    assert (refusal.status_code, refusal.headers["retry-after"], refusal.json()) == (429, "7", {"status": "refused"})
    assert (accepted.status_code, accepted.headers.get("retry-after")) == (200, None)


@pytest.mark.parametrize(
    "query",
    [
        "status=199",
        "status=600",
        "status=teapot",
        "status=503&times=-1",
        "status=503&times=99999999999999999999",
        "delay=-1",
        "delay=301",
        "delay=nan",
        "status=503&retry_after=-1",
        "times=2",
        "retry_after=2",
    ],
)
async def test_query_that_cannot_be_followed_is_422_and_stores_nothing(receiver: httpx.AsyncClient, query: str) -> None:
    assert (await receiver.post(f"/callback?{query}")).status_code == 422
    assert await listed(receiver) == []


async def test_other_query_parameters_are_the_clients_own(receiver: httpx.AsyncClient) -> None:
    assert (await receiver.post("/callback?customer=7")).status_code == 200


async def test_delivery_is_listed_before_its_late_answer(app: FastAPI, receiver: httpx.AsyncClient) -> None:
    delivery = asyncio.create_task(receiver.post("/callback?delay=300"))
    await first_listed(receiver)
    assert not delivery.done()
    app.state.stopping.set()
    assert (await delivery).status_code == 200


async def test_delivery_that_the_client_gave_up_stays(receiver: httpx.AsyncClient) -> None:
    delivery = asyncio.create_task(receiver.post("/callback?delay=300&status=503"))
    await first_listed(receiver)
    assert not delivery.done()
    delivery.cancel()
    await asyncio.gather(delivery, return_exceptions=True)
    assert [callback["status"] for callback in await listed(receiver)] == [503]


async def test_client_that_leaves_before_its_body_came_stores_nothing(
    served: str, caplog: pytest.LogCaptureFixture
) -> None:
    address = urlsplit(served)
    with socket.create_connection((str(address.hostname), int(address.port or 0))) as connection:
        connection.sendall(b"POST /callback HTTP/1.1\r\nHost: receiver\r\nContent-Length: 100\r\n\r\ncut")
    async with httpx.AsyncClient(base_url=served) as client:
        assert await listed(client) == []
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_body_over_the_limit_is_413_and_not_stored(open_client: Open) -> None:
    async with open_client(create_app(Settings(), max_body_bytes=1000)) as receiver:
        assert (await receiver.post("/callback", content=b"x" * 1001)).status_code == 413
        assert (await receiver.post("/callback", content=b"x" * 1000)).status_code == 200
        assert len(await listed(receiver)) == 1


async def test_chunked_body_over_the_limit_is_413(open_client: Open) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * 400

    async with open_client(create_app(Settings(), max_body_bytes=1000)) as receiver:
        assert (await receiver.post("/callback", content=chunks())).status_code == 413


async def test_list_is_oldest_first_and_filtered_by_task(receiver: httpx.AsyncClient) -> None:
    await statuses(receiver, "", task_ids="abcab")
    assert [callback["task_id"] for callback in await listed(receiver)] == list("abcab")
    assert [callback["task_id"] for callback in await listed(receiver, task_id="b")] == list("bb")
    assert await listed(receiver, task_id="unknown") == []


async def test_limit_keeps_the_newest(receiver: httpx.AsyncClient) -> None:
    await statuses(receiver, "", task_ids="abcd")
    assert [callback["task_id"] for callback in await listed(receiver, limit=2)] == list("cd")


@pytest.mark.parametrize("limit", ["0", "-1", "many"])
async def test_limit_that_keeps_nothing_is_422(receiver: httpx.AsyncClient, limit: str) -> None:
    assert (await receiver.get("/callbacks", params={"limit": limit})).status_code == 422


async def test_list_ends_at_1000_unless_asked_for_more(receiver: httpx.AsyncClient, app: FastAPI) -> None:
    new = NewDelivery(task_id="t", headers=[], raw_body=b"", verdict="unchecked", reason=None, outcome=None)
    await asyncio.gather(*(app.state.store.add_delivery(new, status=200) for _ in range(1001)))

    assert len(await listed(receiver)) == 1000
    assert len(await listed(receiver, limit=2000)) == 1001


async def test_delete_empties_the_inbox_and_restarts_the_count(receiver: httpx.AsyncClient) -> None:
    await statuses(receiver, "", task_ids="a")
    [before] = await listed(receiver)

    assert (await receiver.delete("/callbacks")).status_code == 204

    assert await listed(receiver) == []
    await statuses(receiver, "", task_ids="a")
    [after] = await listed(receiver)
    assert after["attempt"] == 1
    assert after["id"] > before["id"]


async def test_healthcheck(receiver: httpx.AsyncClient) -> None:
    answer = await receiver.get("/healthcheck")
    assert (answer.status_code, answer.json()) == (200, {"state": "healthy"})


async def test_every_route_and_parameter_is_documented(receiver: httpx.AsyncClient) -> None:
    paths = (await receiver.get("/openapi.json")).json()["paths"]
    operations = [operation for path in paths.values() for operation in path.values()]
    assert all(operation.get("summary") and operation.get("description") for operation in operations)
    parameters = {one["name"]: one.get("description") for one in paths["/callback"]["post"]["parameters"]}
    assert parameters.keys() == {"status", "times", "delay", "retry_after", "hang", "close", "drip"}
    assert all(parameters.values())


async def summary(receiver: httpx.AsyncClient) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = (await receiver.get("/callbacks/summary")).json()["tasks"]
    return tasks


SUCCESS = {"results": [{"a": 1}], "errors": [{"b": "division by zero"}]}
FAILURE = {"results": [], "errors": [{"details": "no worker reported back", "message": {}}]}


async def test_summary_counts_what_was_taken_of_each_task(receiver: httpx.AsyncClient) -> None:
    async def deliver(task_id: str, body: Any, query: str = "") -> None:
        await receiver.post(f"/callback?{query}", json=body, headers={"webhook-id": task_id})

    await deliver("b", SUCCESS, "status=503")
    await deliver("a", FAILURE)
    await deliver("b", SUCCESS)
    await deliver("b", SUCCESS, "status=204")
    await deliver("c", SUCCESS, "status=302")
    await deliver("d", "no outcome")
    taken_at = {callback["id"]: callback["received_at"] for callback in await listed(receiver)}

    assert await summary(receiver) == [
        {"task_id": "b", "deliveries": 3, "taken": 2, "successes": 2, "failures": 0, "first_taken_at": taken_at[3]},
        {"task_id": "a", "deliveries": 1, "taken": 1, "successes": 0, "failures": 1, "first_taken_at": taken_at[2]},
        {"task_id": "c", "deliveries": 1, "taken": 0, "successes": 0, "failures": 0, "first_taken_at": None},
        {"task_id": "d", "deliveries": 1, "taken": 1, "successes": 0, "failures": 0, "first_taken_at": taken_at[6]},
    ]


async def test_summary_of_an_empty_inbox_is_empty(receiver: httpx.AsyncClient) -> None:
    assert await summary(receiver) == []


async def test_summary_reads_no_bodies(receiver: httpx.AsyncClient, app: FastAPI) -> None:
    await receiver.post("/callback")
    plan = await app.state.store._rows(f"EXPLAIN QUERY PLAN {SUMMARY}")  # noqa: SLF001  # no other way to ask
    assert any("COVERING INDEX" in row["detail"] for row in plan)
