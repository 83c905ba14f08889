"""A Slack that keeps strictly to its own limits."""

import asyncio
import math
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from pydantic import HttpUrl, SecretStr

from services.dlq_watcher.settings import WatcherSettings
from tests.integration.services.conftest import PATIENCE_SECONDS
from tests.service_fixtures import Handler, Serve

LONGEST_TEXT = 3000
"""https://docs.slack.dev/reference/block-kit/composition-objects/text-object"""


@dataclass
class StrictSlack:
    """Takes a message a second at the most, and no text that is too long; counts what it had to refuse."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    calls: int = 0
    too_early: int = 0
    trouble: Handler | None = None
    """How it answers for now."""
    url: str = ""
    _free_at: float = -math.inf
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def receive(self, request: web.Request) -> web.StreamResponse:
        arguments = await request.json()
        async with self._changed:
            self.calls += 1
            self._changed.notify_all()
        now = asyncio.get_running_loop().time()
        if now < self._free_at:
            self.too_early += 1
            return refused("ratelimited", status=429, retry_after=math.ceil(self._free_at - now))
        if self.trouble is not None:
            return await self.trouble(request)
        if max(map(len, texts_of(arguments))) > LONGEST_TEXT:
            return refused("msg_too_long")
        async with self._changed:
            self._free_at = now + 1
            self.messages.append(arguments)
            self._changed.notify_all()
        return web.json_response({"ok": True, "channel": arguments["channel"], "ts": str(now), "message": {}})

    def busy_for(self, seconds: int) -> None:
        """Take nothing for so long, and say so."""

        async def ask_for_a_pause(_request: web.Request) -> web.Response:
            self._free_at = asyncio.get_running_loop().time() + seconds
            self.trouble = None
            return refused("ratelimited", status=429, retry_after=seconds)

        self.trouble = ask_for_a_pause

    async def has_posted(self, count: int) -> list[dict[str, Any]]:
        """Wait for so many messages, and return all there are."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._changed:
            await self._changed.wait_for(lambda: len(self.messages) >= count)
        return self.messages

    async def was_called(self, count: int) -> None:
        """Wait for so many calls, whatever was answered."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._changed:
            await self._changed.wait_for(lambda: self.calls >= count)


def refused(error: str, *, status: int = 200, retry_after: int | None = None) -> web.Response:
    """Slack's answer to what it does not take."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return web.json_response({"ok": False, "error": error}, status=status, headers=headers)


def alerts_in(message: dict[str, Any]) -> int:
    """How many alerts the message is of."""
    digest = re.match(r"\[.+\] (\d+) alerts ", message["text"])
    return int(digest[1]) if digest else 1


def texts_of(message: dict[str, Any]) -> list[str]:
    return [message["text"], *(block["text"]["text"] for block in message["blocks"])]


def with_slack(settings: WatcherSettings, url: str) -> WatcherSettings:
    """The settings with the Slack at this URL."""
    return settings.model_copy(
        update={
            "slack_bot_token": SecretStr("xoxb-local"),
            "slack_channel": "#alerts",
            "slack_api_url": HttpUrl(f"{url}/slack/api/"),
        }
    )


@pytest.fixture
async def strict_slack(serve: Serve) -> AsyncIterator[StrictSlack]:
    slack = StrictSlack()
    async with serve(slack.receive) as slack.url:
        yield slack
