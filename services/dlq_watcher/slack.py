"""One Slack channel, over Slack's Web API."""

from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass
from datetime import UTC, datetime

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from services import tracing
from services.dlq_watcher.alert import Alert
from services.dlq_watcher.slack_message import SlackMessage, message_of
from services.retry_after import retry_after_seconds
from services.settings import WatcherSettings

_TIMEOUT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class SlackRefusal:
    """Why Slack did not take a message; `retry_after_seconds` is what it asked for."""

    reason: str
    retry_after_seconds: float | None = None


class SlackChannel:
    """Posts to the channel of the settings, which have a token."""

    def __init__(self, settings: WatcherSettings) -> None:
        self._channel = settings.slack_channel or ""
        self._client = AsyncWebClient(
            token=settings.slack_bot_token.get_secret_value() if settings.slack_bot_token else None,
            base_url=str(settings.slack_api_url or AsyncWebClient.BASE_URL),
            timeout=_TIMEOUT_SECONDS,
            # What fails is tried again from the queue, which outlives this program.
            retry_handlers=[],
        )

    async def post(self, alerts: Sequence[Alert], told_in: Sequence[Context] = ()) -> SlackRefusal | None:
        """Post one message of the alerts, which come from these contexts; return None when Slack has it.

        It raises nothing.
        """
        try:
            message = message_of(alerts)
            with tracing.tracer.tell(f"{self._client.base_url}chat.postMessage", told_in) as span:
                await self._post(message, span)
        except SlackApiError as error:
            return _refusal(error.response)
        except TimeoutError:
            return SlackRefusal(f"no answer within {_TIMEOUT_SECONDS} seconds")
        except Exception as error:  # noqa: BLE001  # whatever answers there, the callbacks go on
            return SlackRefusal(f"{type(error).__name__}: {error}")
        return None

    async def _post(self, message: SlackMessage, span: tracing.Span) -> None:
        try:
            response = await self._client.chat_postMessage(
                channel=self._channel, text=message.text, blocks=message.blocks
            )
        except SlackApiError as error:
            span.answered(getattr(error.response, "status_code", 0))
            raise
        span.answered(response.status_code)


def _refusal(response: object) -> SlackRefusal:
    if not isinstance(response, AsyncSlackResponse):
        return SlackRefusal("the answer is no JSON")
    retry_after = retry_after_seconds(response.headers.get("Retry-After"), datetime.now(UTC))
    code = response.data.get("error") if isinstance(response.data, dict) else None
    return SlackRefusal(str(code or f"status {response.status_code}"), retry_after)
