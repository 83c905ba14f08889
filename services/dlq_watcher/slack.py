"""One Slack channel, over Slack's Web API."""

from collections.abc import Sequence
from contextvars import Context
from datetime import UTC, datetime

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from services.dlq_watcher.alert import Alert
from services.dlq_watcher.settings import WatcherSettings
from services.dlq_watcher.slack_answer import SlackRefusal, judge_answer
from services.dlq_watcher.slack_message import SlackMessage, message_of
from services.outbound.http_client import HTTP_ERRORS, describe_http_error
from services.primitives.proxies import goes_directly
from services.telemetry import tracing

_LONGEST_ANSWER_SECONDS = 10.0


class _RefusedError(Exception):
    def __init__(self, refusal: SlackRefusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


class SlackChannel:
    """Posts to the channel of the settings, which have a token."""

    def __init__(self, settings: WatcherSettings, *, longest_answer_seconds: float = _LONGEST_ANSWER_SECONDS) -> None:
        self._channel = settings.slack_channel or ""
        self._token = settings.slack_bot_token.get_secret_value() if settings.slack_bot_token else None
        self._url = str(settings.slack_api_url or AsyncWebClient.BASE_URL)
        self._longest_answer_seconds = longest_answer_seconds

    async def post(self, alerts: Sequence[Alert], contexts: Sequence[Context] = ()) -> SlackRefusal | None:
        """Post one message of the alerts, which come from these contexts; return None when Slack has it.

        It raises nothing.
        """
        try:
            message = message_of(alerts)
            with tracing.tracer.alert_span(f"{self._url}chat.postMessage", contexts) as span:
                await self._post(message, span)
        except _RefusedError as error:
            return error.refusal
        except TimeoutError:
            return SlackRefusal(f"no answer within {self._longest_answer_seconds:g} seconds")
        except HTTP_ERRORS as error:
            return SlackRefusal(describe_http_error(error))
        except Exception as error:  # noqa: BLE001  # whatever answers there, the callbacks go on
            return SlackRefusal(f"{type(error).__name__}: {error}")
        return None

    async def _post(self, message: SlackMessage, span: tracing.Span) -> None:
        async def judged(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
            # Before the SDK, which follows redirects and takes some answers for good that are not Slack's.
            response = await send(request)
            span.answered(response.status)
            refusal = judge_answer(response.status, response.headers, await response.read(), datetime.now(UTC))
            if refusal is not None:
                raise _RefusedError(refusal)
            return response

        timeout = aiohttp.ClientTimeout(total=self._longest_answer_seconds)
        async with aiohttp.ClientSession(timeout=timeout, middlewares=(judged,)) as session:
            # What fails is tried again from the queue, which outlives this program.
            client = AsyncWebClient(self._token, self._url, session=session, retry_handlers=[])
            if goes_directly(self._url):
                # The SDK reads HTTP_PROXY and HTTPS_PROXY, and not NO_PROXY.
                client.proxy = None
            await client.chat_postMessage(channel=self._channel, text=message.text, blocks=message.blocks)
