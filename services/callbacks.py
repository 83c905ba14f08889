"""One delivery attempt of an outcome: signed, POSTed, and its answer judged."""

import asyncio
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp
import httpx
from standardwebhooks import Webhook

from services.host_slots import HostBusyError, HostSlots
from services.http_client import HTTP_ERRORS, describe_http_error
from services.messages import OutcomeMessage
from services.settings import ConsumerSettings
from services.targets import ForbiddenTargetError

# What is read of an answer beyond its status, so that its connection can serve the next callback.
_MOST_ANSWER_BYTES = 65_536
_LONGEST_ANSWER_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver answered 2xx."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The delivery failed and may succeed later; `retry_after_seconds` is what the receiver asked for."""

    reason: str
    retry_after_seconds: float | None = None
    soon: bool = True
    """Whether a try in a moment makes sense: not where the receiver keeps its callers waiting."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """No further attempt is wanted: by the receiver, or because it may not be called."""

    reason: str


Answer = Delivered | Refused | Rejected


def judge(status: int, headers: Mapping[str, str], now: datetime) -> Answer:
    """Judge a receiver's answer.

    Only 2xx is delivered, and 410 is final (Standard Webhooks 1.0, "Delivery guidelines"); a redirect is not
    followed and counts as refused.
    """
    if httpx.codes.is_success(status):
        return Delivered()
    reason = f"the receiver answered {status}"
    if status == httpx.codes.GONE:
        return Rejected(reason)
    return Refused(reason, retry_after_seconds(headers.get("retry-after"), now))


def retry_after_seconds(value: str | None, now: datetime) -> float | None:
    """Read a Retry-After header, seconds or a date (RFC 9110, section 10.2.3); None where there is no sense in it."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = _seconds_until(value, now)
    return max(seconds, 0) if math.isfinite(seconds) else None


def _seconds_until(date: str, now: datetime) -> float:
    try:
        return (parsedate_to_datetime(date).astimezone(UTC) - now).total_seconds()
    except (ValueError, OverflowError):
        return math.nan


class CallbackClient:
    """POSTs outcomes with the headers of Standard Webhooks 1.0."""

    def __init__(self, http: httpx.AsyncClient, settings: ConsumerSettings) -> None:
        self._http = http
        self._timeout_seconds = settings.callback_timeout_seconds
        self._timeout = httpx.Timeout(
            None, connect=settings.callback_connect_timeout_seconds, read=settings.callback_read_timeout_seconds
        )
        self._hosts = HostSlots(settings.callback_slots_per_host)
        self._webhooks = [Webhook(secret) for secret in settings.signing_secrets]

    async def post(self, outcome: OutcomeMessage) -> Answer:
        """Make one delivery attempt. It raises nothing: what goes wrong on the way is `Refused` with its reason.

        The status line decides: a receiver that sends it and then takes its time with the rest has answered.
        """
        now = datetime.now(UTC)
        try:
            request = self._request(outcome, now)
            async with self._hosts.slot(request.url.netloc.decode()), self._answered_in_time(request) as response:
                return judge(response.status_code, response.headers, now)
        except HostBusyError as busy:
            return Refused(f"the receiver was not called: {busy}", soon=False)
        except TimeoutError as error:
            late = str(error) or f"the receiver did not answer within {self._timeout_seconds:g} seconds"
            return Refused(late, soon=False)
        except ForbiddenTargetError as error:
            return Rejected(str(error))
        except HTTP_ERRORS as error:
            return Refused(f"the receiver could not be reached: {describe_http_error(error)}")

    def _request(self, outcome: OutcomeMessage, now: datetime) -> httpx.Request:
        headers = {
            "content-type": "application/json",
            "webhook-id": outcome.task_id,
            "webhook-timestamp": str(math.floor(now.timestamp())),
        }
        if self._webhooks:
            # Several while a secret is rotated: one that verifies is enough (Standard Webhooks, "Signature scheme").
            signatures = (webhook.sign(outcome.task_id, now, outcome.body) for webhook in self._webhooks)
            headers["webhook-signature"] = " ".join(signatures)
        return self._http.build_request(
            "POST", outcome.callback_url, content=outcome.body, headers=headers, timeout=self._timeout
        )

    @asynccontextmanager
    async def _answered_in_time(self, request: httpx.Request) -> AsyncIterator[httpx.Response]:
        """Give the answer as soon as its head has come. Raises TimeoutError, and what the client raises."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                response = await self._http.send(request, stream=True)
        except httpx.TransportError as error:
            # The cause tells: the transport calls some connections that were closed timeouts.
            match error.__cause__:
                case aiohttp.ConnectionTimeoutError():
                    raise TimeoutError(f"no connection within {self._timeout.connect:g} seconds") from error
                case aiohttp.ServerTimeoutError():
                    raise TimeoutError(f"the receiver was silent for {self._timeout.read:g} seconds") from error
            raise
        try:
            yield response
            await _read_rest(response)
        finally:
            await response.aclose()


async def _read_rest(response: httpx.Response) -> None:
    with suppress(TimeoutError, *HTTP_ERRORS):
        async with asyncio.timeout(_LONGEST_ANSWER_SECONDS):
            async for _ in response.aiter_raw():
                if response.num_bytes_downloaded > _MOST_ANSWER_BYTES:
                    return
