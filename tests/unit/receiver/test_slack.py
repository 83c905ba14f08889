import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from receiver.app import create_app
from receiver.settings import Settings

Open = Callable[[FastAPI], AbstractAsyncContextManager[httpx.AsyncClient]]

TOKEN = {"Authorization": "Bearer xoxb-local"}
METHOD = "/slack/api/chat.postMessage"
BLOCKS = [{"type": "section", "text": {"type": "mrkdwn", "text": "*failed*"}}]


async def messages(receiver: httpx.AsyncClient) -> list[dict[str, Any]]:
    posted: list[dict[str, Any]] = (await receiver.get("/slack/messages")).json()["messages"]
    return posted


def slack(served: str, *, token: str | None = "xoxb-local") -> AsyncWebClient:  # noqa: S107 - for tests alone
    return AsyncWebClient(token=token, base_url=f"{served}/slack/api/")


async def test_slack_sdk_posts_a_message(served: str) -> None:
    answer = await slack(served).chat_postMessage(channel="#alerts", text="failed", blocks=BLOCKS, unfurl_links=False)

    assert answer["ok"] is True
    assert answer["channel"] == "#alerts"
    assert answer["message"]["text"] == "failed"
    assert answer["message"]["ts"] == answer["ts"]
    async with httpx.AsyncClient(base_url=served) as client:
        [message] = await messages(client)
    assert message.pop("received_at").endswith("+00:00")
    assert message == {
        "ts": answer["ts"],
        "channel": "#alerts",
        "text": "failed",
        "blocks": BLOCKS,
        "unfurl_links": False,
    }


async def test_slack_sdk_posts_a_form(served: str) -> None:
    answer = await slack(served).api_call("chat.postMessage", data={"channel": "#alerts", "text": "a & b"})
    assert answer["message"]["text"] == "a & b"


@pytest.mark.parametrize(("token", "error"), [(None, "not_authed"), ("xoxa-2", "invalid_auth")])
async def test_slack_sdk_raises_the_error_of_a_bad_token(served: str, token: str | None, error: str) -> None:
    with pytest.raises(SlackApiError) as raised:
        await slack(served, token=token).chat_postMessage(channel="#alerts", text="failed")
    assert raised.value.response["error"] == error


async def test_slack_sdk_sees_the_rate_limit(served: str) -> None:
    async with httpx.AsyncClient(base_url=served) as client:
        await client.put("/slack/rate-limit", json={"times": 1, "retry_after": 30})
    with pytest.raises(SlackApiError) as raised:
        await slack(served).chat_postMessage(channel="#alerts", text="failed")
    assert raised.value.response.status_code == 429
    assert raised.value.response.headers["Retry-After"] == "30"
    assert raised.value.response["error"] == "ratelimited"


async def test_slack_sdks_retry_handler_gets_over_the_rate_limit(served: str) -> None:
    async with httpx.AsyncClient(base_url=served) as client:
        await client.put("/slack/rate-limit", json={"times": 1, "retry_after": 0})
    patient = slack(served)
    patient.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    assert (await patient.chat_postMessage(channel="#alerts", text="failed"))["ok"] is True


async def test_rate_limit_refuses_the_next_calls_and_stores_nothing(receiver: httpx.AsyncClient) -> None:
    limit = {"times": 2, "retry_after": 7}
    assert (await receiver.put("/slack/rate-limit", json=limit)).json() == limit

    posts = (receiver.post(METHOD, headers=TOKEN, json={"channel": "#a", "text": "t"}) for _ in range(5))
    answers = await asyncio.gather(*posts)

    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 429, 429]
    refusal = next(answer for answer in answers if answer.status_code == 429)
    assert (refusal.json(), refusal.headers["retry-after"]) == ({"ok": False, "error": "ratelimited"}, "7")
    assert len(await messages(receiver)) == 3


async def test_rate_limit_of_zero_times_lifts_it(receiver: httpx.AsyncClient) -> None:
    await receiver.put("/slack/rate-limit", json={"times": 5, "retry_after": 7})
    await receiver.put("/slack/rate-limit", json={"times": 0, "retry_after": 7})
    answer = await receiver.post(METHOD, headers=TOKEN, json={"channel": "#a", "text": "t"})
    assert answer.json()["ok"] is True


@pytest.mark.parametrize("limit", [{"times": -1}, {"times": 1, "retry_after": -1}, {"retry_after": 1}, {"times": "x"}])
async def test_rate_limit_that_makes_no_sense_is_422(receiver: httpx.AsyncClient, limit: dict[str, Any]) -> None:
    assert (await receiver.put("/slack/rate-limit", json=limit)).status_code == 422


@pytest.mark.parametrize(
    ("headers", "arguments", "error"),
    [
        ({}, {"channel": "#a", "text": "t"}, "not_authed"),
        ({"Authorization": "Basic eDp5"}, {"channel": "#a", "text": "t"}, "not_authed"),
        ({"Authorization": "Bearer secret"}, {"channel": "#a", "text": "t"}, "invalid_auth"),
        (TOKEN, {"text": "t"}, "channel_not_found"),
        (TOKEN, {"channel": "", "text": "t"}, "channel_not_found"),
        (TOKEN, {"channel": ["#a"], "text": "t"}, "channel_not_found"),
        (TOKEN, {"channel": "#a"}, "no_text"),
        (TOKEN, {"channel": "#a", "text": "", "blocks": [], "attachments": []}, "no_text"),
        (TOKEN, {"channel": "#a", "blocks": {"type": "divider"}}, "invalid_blocks"),
        (TOKEN, {"channel": "#a", "blocks": "[{"}, "invalid_blocks"),
        (TOKEN, {"channel": "#a", "attachments": "none"}, "invalid_attachments"),
        (TOKEN, ["#a"], "invalid_json"),
    ],
)
async def test_bad_call_is_answered_200_with_slacks_error(
    receiver: httpx.AsyncClient, headers: dict[str, str], arguments: Any, error: str
) -> None:
    answer = await receiver.post(METHOD, headers=headers, json=arguments)
    assert (answer.status_code, answer.json()) == (200, {"ok": False, "error": error})
    assert await messages(receiver) == []


@pytest.mark.parametrize("content", [{"text": "t"}, {"blocks": BLOCKS}, {"attachments": [{"text": "a"}]}])
async def test_text_blocks_or_attachments_make_a_message(receiver: httpx.AsyncClient, content: dict[str, Any]) -> None:
    answer = await receiver.post(METHOD, headers=TOKEN, json={"channel": "#a", **content})
    assert answer.json()["ok"] is True
    [message] = await messages(receiver)
    assert message | content == message
    assert message.keys() >= {"text", "blocks"}


async def test_form_carries_blocks_as_json(receiver: httpx.AsyncClient) -> None:
    await receiver.post(METHOD, headers=TOKEN, data={"channel": "#a", "blocks": '[{"type": "divider"}]'})
    [message] = await messages(receiver)
    assert message["blocks"] == [{"type": "divider"}]


async def test_token_may_come_as_argument_and_is_not_stored(receiver: httpx.AsyncClient) -> None:
    answer = await receiver.post(METHOD, data={"token": "xoxp-1", "channel": "#a", "text": "t"})
    assert answer.json()["ok"] is True
    assert "xoxp-1" not in (await receiver.get("/slack/messages")).text


async def test_messages_are_listed_that_name_a_task(receiver: httpx.AsyncClient) -> None:
    for text in ("Task `task-1` failed", "Task task-10 failed", "sub-task-1"):
        await receiver.post(METHOD, headers=TOKEN, json={"channel": "#a", "text": text})
    listed = (await receiver.get("/slack/messages", params={"task_id": "task-1"})).json()["messages"]
    assert [message["text"] for message in listed] == ["Task `task-1` failed"]


async def test_delete_forgets_the_messages(receiver: httpx.AsyncClient) -> None:
    await receiver.post(METHOD, headers=TOKEN, json={"channel": "#a", "text": "t"})
    assert (await receiver.delete("/slack/messages")).status_code == 204
    assert await messages(receiver) == []


async def test_messages_outlive_a_restart(open_client: Open) -> None:
    async with open_client(create_app(Settings())) as receiver:
        await receiver.post(METHOD, headers=TOKEN, content=b'{"channel": "#a", "text": "lone \\ud800"}')
    async with open_client(create_app(Settings())) as receiver:
        [message] = await messages(receiver)
    assert message["text"] == "lone \ud800"
