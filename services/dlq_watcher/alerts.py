"""Alerts to Slack. An alert that cannot be sent goes to the log: it never holds up a callback."""

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient

from services.settings import WatcherSettings

log = structlog.get_logger(__name__)

_REQUEST_TIMEOUT_SECONDS = 10
# All tries together, waits for the rate limit included.
_ALERT_TIMEOUT_SECONDS = 60
# https://docs.slack.dev/reference/block-kit/composition-objects/text-object
_LONGEST_TEXT = 3000
# A reason and a callback, the two that may be long, and what else is said fit into one text.
_LONGEST_FIELD = 1400


class Alerts:
    """Posts alerts to one Slack channel."""

    def __init__(self, settings: WatcherSettings) -> None:
        self._channel = settings.slack_channel
        self._client = _make_client(settings) if settings.slack_bot_token else None

    async def send(self, headline: str, fields: Mapping[str, str]) -> None:
        """Post an alert; where there is no Slack, or it does not take it, log it at ERROR. Raises nothing."""
        if self._client is None:
            log.error("alert", headline=headline, **fields)
            return
        try:
            async with asyncio.timeout(_ALERT_TIMEOUT_SECONDS):
                await self._client.chat_postMessage(
                    channel=self._channel or "", text=headline, blocks=_blocks(headline, fields)
                )
        except Exception:
            # Whatever Slack does, the callbacks go on.
            log.exception("alert could not be posted to Slack", headline=headline, **fields)


def _make_client(settings: WatcherSettings) -> AsyncWebClient:
    token = settings.slack_bot_token.get_secret_value() if settings.slack_bot_token else None
    return AsyncWebClient(
        token=token,
        base_url=str(settings.slack_api_url or AsyncWebClient.BASE_URL),
        timeout=_REQUEST_TIMEOUT_SECONDS,
        retry_handlers=[
            AsyncConnectionErrorRetryHandler(max_retry_count=2),
            # The one that comes with the client is for its synchronous sibling.
            AsyncRateLimitErrorRetryHandler(max_retry_count=10),
        ],
    )


def _blocks(headline: str, fields: Mapping[str, str]) -> list[dict[str, Any]]:
    lines = "\n".join(f"*{name}:* {_escape(value)[:_LONGEST_FIELD]}" for name, value in fields.items())
    return [
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": f":rotating_light: *{_escape(headline)[:_LONGEST_FIELD]}*"},
        },
        {"type": "section", "text": {"type": "mrkdwn", "text": lines[:_LONGEST_TEXT]}},
    ]


def _escape(text: str) -> str:
    """Escape what Slack's markup gives a meaning (https://docs.slack.dev/messaging/formatting-message-text)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
