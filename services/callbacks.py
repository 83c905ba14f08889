"""One delivery attempt of an outcome: signed, POSTed, and its answer judged."""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
from standardwebhooks import Webhook

from services.http_client import HTTP_ERRORS, describe_http_error
from services.messages import OutcomeMessage
from services.settings import ConsumerSettings


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver answered 2xx."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The delivery failed and may succeed later; `retry_after_seconds` is what the receiver asked for."""

    reason: str
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """The receiver wants no further attempt."""

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
        secret = settings.callback_signing_secret
        self._webhook = Webhook(secret.get_secret_value()) if secret else None

    async def post(self, outcome: OutcomeMessage) -> Answer:
        """Make one delivery attempt. It raises nothing: what goes wrong on the way is `Refused` with its reason."""
        now = datetime.now(UTC)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                response = await self._http.post(
                    outcome.callback_url, content=outcome.body, headers=self._headers(outcome, now)
                )
        except TimeoutError:
            return Refused(f"the receiver did not answer within {self._timeout_seconds:g} seconds")
        except HTTP_ERRORS as error:
            return Refused(f"the receiver could not be reached: {describe_http_error(error)}")
        return judge(response.status_code, response.headers, now)

    def _headers(self, outcome: OutcomeMessage, now: datetime) -> dict[str, str]:
        headers = {
            "content-type": "application/json",
            "webhook-id": outcome.task_id,
            "webhook-timestamp": str(math.floor(now.timestamp())),
        }
        if self._webhook:
            headers["webhook-signature"] = self._webhook.sign(outcome.task_id, now, outcome.body)
        return headers
