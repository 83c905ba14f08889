"""Alerts to Slack's stand-in, through the real client."""

from typing import Any

import httpx
import pytest
from aiohttp import web
from pydantic import HttpUrl, SecretStr
from structlog.testing import capture_logs

from services.dlq_watcher.alerts import Alerts
from services.settings import WatcherSettings
from tests.service_fixtures import Handler, Serve

LONGEST_TEXT = 3000
"""https://docs.slack.dev/reference/block-kit/composition-objects/text-object"""


def alerts_to(url: object, *, token: str = "xoxb-local") -> Alerts:  # noqa: S107  # the stand-in's
    return Alerts(
        WatcherSettings(
            slack_bot_token=SecretStr(token), slack_channel="#alerts", slack_api_url=HttpUrl(f"{url}/slack/api/")
        )
    )


def base_of(slack: httpx.AsyncClient) -> str:
    return str(slack.base_url).rstrip("/")


async def posted(slack: httpx.AsyncClient) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = (await slack.get("/slack/messages")).json()["messages"]
    return messages


async def test_an_alert_is_posted_to_the_channel(slack: httpx.AsyncClient) -> None:
    await alerts_to(base_of(slack)).send("Task 1 failed", {"Reason": "a < b & c", "Attempts": "3"})

    [message] = await posted(slack)
    assert (message["channel"], message["text"]) == ("#alerts", "Task 1 failed")
    assert [block["text"]["text"] for block in message["blocks"]] == [
        ":rotating_light: *Task 1 failed*",
        "*Reason:* a &lt; b &amp; c\n*Attempts:* 3",
    ]


async def test_a_rate_limit_is_waited_out(slack: httpx.AsyncClient) -> None:
    await slack.put("/slack/rate-limit", json={"times": 1, "retry_after": 1})

    with capture_logs() as logs:
        await alerts_to(base_of(slack)).send("Task 1 failed", {"Reason": "no"})

    assert [message["text"] for message in await posted(slack)] == ["Task 1 failed"]
    assert logs == []


@pytest.mark.parametrize("reason", ["x" * 2000, "<" * 2000])
async def test_no_text_is_longer_than_slack_takes(slack: httpx.AsyncClient, reason: str) -> None:
    await alerts_to(base_of(slack)).send(
        "Task " + "1" * 5000, {"Reason": reason, "Attempts": "3", "Callback": "http://receiver/" + "c" * 2000}
    )

    [message] = await posted(slack)
    texts = [block["text"]["text"] for block in message["blocks"]]
    assert max(len(text) for text in texts) <= LONGEST_TEXT
    assert "*Callback:* http://receiver/" in texts[1]


async def test_without_a_token_an_alert_is_an_error_in_the_log() -> None:
    with capture_logs() as logs:
        await Alerts(WatcherSettings()).send("Task 1 failed", {"Reason": "no"})

    assert logs == [{"log_level": "error", "event": "alert", "headline": "Task 1 failed", "Reason": "no"}]


async def is_logged(alerts: Alerts) -> bool:
    with capture_logs() as logs:
        await alerts.send("Task 1 failed", {"Reason": "no"})
    [entry] = [entry for entry in logs if entry["log_level"] == "error"]
    return (entry["event"], entry["headline"]) == ("alert could not be posted to Slack", "Task 1 failed")


async def test_what_slack_refuses_goes_to_the_log(slack: httpx.AsyncClient) -> None:
    assert await is_logged(alerts_to(base_of(slack), token="wrong"))  # noqa: S106  # that is the point
    assert await posted(slack) == []


async def test_where_slack_cannot_be_reached_an_alert_goes_to_the_log(closed_port: int) -> None:
    assert await is_logged(alerts_to(f"http://127.0.0.1:{closed_port}"))


def answering(body: str, content_type: str, status: int = 200) -> Handler:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=body, status=status, content_type=content_type)

    return answer


@pytest.mark.parametrize(
    "handler",
    [
        answering("<html>", "text/html"),
        answering("<html>", "text/html", 502),
        answering("no JSON", "application/json"),
        answering("[]", "application/json"),
        answering("null", "application/json"),
        answering("ok", "text/plain"),
        answering("", "application/json", 503),
    ],
)
async def test_an_answer_that_is_not_slacks_goes_to_the_log(serve: Serve, handler: Handler) -> None:
    async with serve(handler) as url:
        assert await is_logged(alerts_to(url))


async def test_where_slack_hangs_up_an_alert_goes_to_the_log(serve: Serve) -> None:
    async def hang_up(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with serve(hang_up) as url:
        assert await is_logged(alerts_to(url))
