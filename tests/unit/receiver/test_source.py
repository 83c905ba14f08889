import asyncio

import httpx
import pytest
from fastapi import FastAPI


async def test_get_answers_what_was_asked(receiver: httpx.AsyncClient) -> None:
    answer = (await receiver.get("/source", headers={"X-Key": "k"})).json()
    assert (answer["source"], answer["method"], answer["payload"]) == ("receiver", "GET", None)
    assert answer["headers"]["x-key"] == "k"


async def test_post_answers_the_payload_digit_by_digit(receiver: httpx.AsyncClient) -> None:
    answer = await receiver.post("/source", content='{"price": 1.50}')
    assert answer.json()["method"] == "POST"
    assert '"payload": {"price": 1.50}' in answer.text


@pytest.mark.parametrize("status", [201, 404, 503])
async def test_status_is_answered(receiver: httpx.AsyncClient, status: int) -> None:
    answer = await receiver.get("/source", params={"status": status})
    assert (answer.status_code, answer.json()["source"]) == (status, "receiver")


async def test_status_without_body_is_answered_without_body(receiver: httpx.AsyncClient) -> None:
    answer = await receiver.get("/source?status=204&text=none")
    assert (answer.status_code, answer.content) == (204, b"")


async def test_text_is_answered_as_plain_text(receiver: httpx.AsyncClient) -> None:
    answer = await receiver.get("/source", params={"text": "no JSON", "status": 500})
    assert (answer.status_code, answer.text) == (500, "no JSON")
    assert answer.headers["content-type"].startswith("text/plain")


async def test_delay_answers_late(app: FastAPI, receiver: httpx.AsyncClient) -> None:
    late = asyncio.create_task(receiver.get("/source?delay=300"))
    await receiver.get("/source?delay=0.001")
    assert not late.done()
    app.state.stopping.set()
    assert (await late).status_code == 200


@pytest.mark.parametrize("query", ["status=199", "status=600", "delay=-1", "delay=301"])
async def test_query_that_cannot_be_followed_is_422(receiver: httpx.AsyncClient, query: str) -> None:
    assert (await receiver.get(f"/source?{query}")).status_code == 422
