"""What the answer to a delivery attempt means: decided here, apart from the attempt. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import httpx2

from services.outbound.redirects import describe_redirect
from services.outbound.retry_after import retry_after_seconds


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver answered 2xx."""


@dataclass(frozen=True, slots=True)
class FailedForNow:
    """The delivery failed and may succeed later; `retry_after_seconds` is what the receiver asked for."""

    reason: str
    retry_after_seconds: float | None = None
    soon: bool = True
    """Whether a try in a moment makes sense: not where the receiver keeps its callers waiting."""


@dataclass(frozen=True, slots=True)
class FailedForGood:
    """No further attempt is wanted: by the receiver, or because it may not be called."""

    reason: str


Answer = Delivered | FailedForNow | FailedForGood


def judge(status: int, headers: Mapping[str, str], now: datetime, url: str) -> Answer:
    """Judge the answer of a receiver at the URL.

    Only 2xx is delivered, and 410 is final (Standard Webhooks 1.0, "Delivery guidelines"); a redirect is not
    followed and counts as refused.
    """
    if httpx2.codes.is_success(status):
        return Delivered()
    reason = f"the receiver answered {status}{describe_redirect(status, headers.get('location'), url)}"
    if status == httpx2.codes.GONE:
        return FailedForGood(reason)
    return FailedForNow(reason, retry_after_seconds(headers.get("retry-after"), now))
