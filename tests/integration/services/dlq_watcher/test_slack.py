"""One message to Slack: through the real client to the receiver's stand-in, and to what answers otherwise."""

import asyncio
import math
from dataclasses import replace
from typing import Any

import httpx
import pytest
from aiohttp import web
from pydantic import HttpUrl, SecretStr

from services.dlq_watcher.settings import WatcherSettings
from services.dlq_watcher.slack import SlackChannel
from services.dlq_watcher.slack_answer import SlackRefusal
from tests.service_fixtures import Handler, Serve
from tests.unit.services.dlq_watcher.conftest import alert_of


def settings_for(url: object, token: str) -> WatcherSettings:
    return WatcherSettings(
        slack_bot_token=SecretStr(token), slack_channel="#alerts", slack_api_url=HttpUrl(f"{url}/slack/api/")
    )


def channel_at(url: object, *, token: str = "xoxb-local") -> SlackChannel:  # noqa: S107  # the stand-in's
    return SlackChannel(settings_for(url, token))


def base_of(slack: httpx.AsyncClient) -> str:
    return str(slack.base_url).rstrip("/")


async def posted(slack: httpx.AsyncClient) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = (await slack.get("/slack/messages")).json()["messages"]
    return messages


async def test_an_alert_is_posted_to_the_channel(slack: httpx.AsyncClient) -> None:
    assert await channel_at(base_of(slack)).post([alert_of(reason="a < b & c")]) is None

    [message] = await posted(slack)
    assert (message["channel"], message["text"]) == ("#alerts", "Task 1 (calculation) failed for good")
    assert [block["text"]["text"] for block in message["blocks"]] == [
        ":rotating_light: *Task 1 (calculation) failed for good*",
        "*Reason:* a &lt; b &amp; c",
        "*Attempts:* 3",
    ]


async def test_a_rate_limit_says_when_to_come_back(slack: httpx.AsyncClient) -> None:
    await slack.put("/slack/rate-limit", json={"times": 1, "retry_after": 30})

    assert await channel_at(base_of(slack)).post([alert_of()]) == SlackRefusal("ratelimited", 30)
    assert await posted(slack) == []


async def test_where_slack_cannot_be_reached_the_reason_says_so(closed_port: int) -> None:
    refusal = await channel_at(f"http://127.0.0.1:{closed_port}").post([alert_of()])

    assert refusal is not None
    assert f"127.0.0.1:{closed_port}" in refusal.reason


def answering(body: str, content_type: str, status: int = 200, retry_after: str = "") -> Handler:
    headers = {"Retry-After": retry_after} if retry_after else {}

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=body, status=status, content_type=content_type, headers=headers)

    return answer


@pytest.mark.parametrize(
    ("handler", "refusal"),
    [
        (answering("<html>", "text/html", 502), SlackRefusal("it answered 502")),
        (answering("", "application/json", 503), SlackRefusal("it answered 503")),
        (answering("no JSON", "application/json", 500, "3"), SlackRefusal("it answered 500", 3)),
        (answering("busy", "text/plain", 429, "7"), SlackRefusal("it answered 429", 7)),
        (answering("busy", "application/json", 429, "7"), SlackRefusal("it answered 429", 7)),
        (answering("busy", "application/gzip", 429, "7"), SlackRefusal("it answered 429", 7)),
        (answering("busy", "text/plain", 429, "soon"), SlackRefusal("it answered 429")),
        (answering('{"ok":false,"error":"fatal_error"}', "application/json", 500), SlackRefusal("fatal_error")),
        (answering('{"ok":true}', "application/json", 500), SlackRefusal("it answered 500")),
        (
            answering('{"ok":false,"error":"not_in_channel"}', "application/json"),
            SlackRefusal("not_in_channel: SLACK_CHANNEL must be a channel that the bot is in"),
        ),
    ],
)
async def test_an_answer_that_is_not_slacks_is_a_refusal_with_its_reason(
    serve: Serve, handler: Handler, refusal: SlackRefusal
) -> None:
    async with serve(handler) as url:
        assert await channel_at(url).post([alert_of()]) == refusal


@pytest.mark.parametrize(
    "handler",
    [
        answering("<html>", "text/html"),
        answering("no JSON", "application/json"),
        answering("[]", "application/json"),
        answering("[" * 100_000, "application/json"),
        answering("null", "application/json"),
        answering("{}", "application/json"),
        answering('{"ok":"true"}', "application/json"),
        answering('{"ok":1}', "application/json"),
        answering("ok", "text/plain"),
        answering('{"ok":true}', "text/plain"),
        answering('{"ok":true}', "application/gzip"),
        answering("", "application/gzip"),
    ],
)
async def test_a_200_that_does_not_say_ok_is_no_success(serve: Serve, handler: Handler) -> None:
    async with serve(handler) as url:
        assert await channel_at(url).post([alert_of()]) == SlackRefusal(
            "it answered 200 without saying that the message is posted: does SLACK_API_URL lead to Slack's Web API?"
        )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_reported_and_not_followed(serve: Serve, status: int) -> None:
    asked: list[str] = []

    async def redirect(request: web.Request) -> web.Response:
        asked.append(request.method)
        return web.Response(status=status, headers={"Location": f"{request.url.origin()}/elsewhere?token=s3cr3t"})

    async with serve(redirect) as url:
        refusal = await channel_at(url).post([alert_of()])

    assert refusal == SlackRefusal(
        f"it answered {status} and sent on to {url}/elsewhere?token=…, which is not followed:"
        " does SLACK_API_URL lead to Slack's Web API?"
    )
    assert asked == ["POST"]


async def test_a_broken_answer_is_a_refusal_that_says_so(serve: Serve) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=b"no gzip", content_type="application/json", headers={"Content-Encoding": "gzip"})

    async with serve(answer) as url:
        refusal = await channel_at(url).post([alert_of()])

    assert refusal is not None
    assert "decode" in refusal.reason


async def test_a_slack_that_hangs_up_is_a_refusal(serve: Serve) -> None:
    async def hang_up(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with serve(hang_up) as url:
        assert await channel_at(url).post([alert_of()]) is not None


async def test_a_slack_that_hangs_is_given_up_in_time(serve: Serve) -> None:
    given_up = asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        await given_up.wait()
        return web.Response()

    async with serve(hang) as url:
        refusal = await SlackChannel(settings_for(url, "xoxb-local"), longest_answer_seconds=0.2).post([alert_of()])
        given_up.set()

    assert refusal == SlackRefusal("no answer within 0.2 seconds")


async def test_alerts_that_cannot_be_shown_are_a_refusal_and_no_end_of_the_watcher(slack: httpx.AsyncClient) -> None:
    beyond_any_calendar = replace(alert_of(), raised_at=math.inf)

    refusal = await channel_at(base_of(slack)).post([beyond_any_calendar, beyond_any_calendar])

    assert refusal is not None
    assert refusal.reason.startswith("OverflowError")
