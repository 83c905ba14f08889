"""One delivery attempt of an outcome: signed, POSTed, and its answer judged."""

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial

import aiohttp
from standardwebhooks import Webhook

from services.delivery.answers import Answer, Delivered, FailedForGood, FailedForNow, judge
from services.delivery.host_slots import HostBusyError, HostSlots
from services.delivery.settings import DeliverySettings
from services.messages import OutcomeMessage
from services.outbound.http_client import HTTP_ERRORS, TargetSessions, describe_http_error
from services.outbound.http_connections import KeptConnectionLostError
from services.outbound.request_headers import header_value
from services.outbound.target_url import Target, target_of
from services.outbound.targets import ForbiddenTargetError
from services.primitives import http_posts
from services.queueing.ownership import ensure_ours
from services.telemetry import tracing
from services.telemetry.metrics import DELIVERIES, DELIVERY_SECONDS, END_TO_END_SECONDS, child, label_of

# What is read of an answer beyond its status, so that its connection can serve the next callback.
_MOST_ANSWER_BYTES = 65_536
_LONGEST_ANSWER_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Call:
    """What is sent, and where: what cannot be made now never can."""

    target: Target
    headers: dict[str, str]
    body: bytes


class CallbackClient:
    """POSTs outcomes with the headers of Standard Webhooks 1.0."""

    def __init__(self, sessions: TargetSessions, settings: DeliverySettings) -> None:
        self._sessions = sessions
        self._timeout_seconds = settings.callback_timeout_seconds
        self._timeout = aiohttp.ClientTimeout(
            sock_connect=settings.callback_connect_timeout_seconds,
            sock_read=settings.callback_read_timeout_seconds,
        )
        self._hosts = HostSlots(settings.callback_slots_per_host)
        self._webhooks = [Webhook(secret) for secret in settings.signing_secrets]
        self._deliveries = {
            Delivered: child(DELIVERIES, "delivered"),
            FailedForNow: child(DELIVERIES, "refused"),
            FailedForGood: child(DELIVERIES, "rejected"),
        }
        self._delivery_seconds = child(DELIVERY_SECONDS)
        # An outcome can be of any task type.
        self._end_to_end_seconds_of = cache(lambda task_type: child(END_TO_END_SECONDS, label_of(task_type)))

    async def post(self, outcome: OutcomeMessage, attempt: int = 1) -> Answer:
        """Make one delivery attempt, the n-th of its caller.

        What goes wrong on the way is `FailedForNow`, with its reason. Raises NotOursError where it is not to be made:
        the message that it is made for is not this worker's any more.

        The status line decides: a receiver that sends it and then takes its time with the rest has answered.
        """
        begun = time.perf_counter()
        answer = await self._make_attempt(outcome, attempt)
        self._delivery_seconds.observe(time.perf_counter() - begun)
        self._deliveries[type(answer)].inc()
        if isinstance(answer, Delivered) and outcome.accepted_at is not None:
            # What the client wanted to wait is none of the system's.
            seconds = max(0.0, time.time() - outcome.accepted_at - outcome.delay_seconds)
            self._end_to_end_seconds_of(outcome.task_type).observe(seconds)
        return answer

    async def _make_attempt(self, outcome: OutcomeMessage, attempt: int) -> Answer:
        now = datetime.now(UTC)
        try:
            call = _Call(target_of(outcome.callback_url), self._headers(outcome, now), outcome.body.encode())
        except ValueError as error:
            return FailedForGood(f"the receiver cannot be called: {error}")
        try:
            async with self._hosts.slot(f"{call.target.host}:{call.target.port}"):
                with tracing.tracer.delivery_span(call.target, outcome.task_id, attempt) as span:
                    return await self._post(call, span)
        except HostBusyError as busy:
            return FailedForNow(f"the receiver was not called: {busy}", soon=False)
        except TimeoutError as error:
            return FailedForNow(self._describe_timeout(error), soon=False)
        except ForbiddenTargetError as error:
            return FailedForGood(f"the receiver was not called: {error}")
        except HTTP_ERRORS as error:
            return FailedForNow(f"the receiver could not be reached: {describe_http_error(error)}")

    async def _post(self, call: _Call, span: tracing.Span) -> Answer:
        headers = {**call.headers, **span.headers}
        sessions, timeout = self._sessions, self._timeout
        send = partial(sessions.post, call.target, headers=headers, body=call.body, timeout=timeout)
        # To ask SQS may take long, which is none of the receiver's time.
        await ensure_ours()
        begun = time.monotonic()
        try:
            return await _answer_to(send, self._timeout_seconds, call, span)
        except KeptConnectionLostError:
            # A receiver that closes what was idle has refused nothing. Had it the outcome, it knows the webhook-id.
            left_seconds = self._timeout_seconds - (time.monotonic() - begun)
        send_anew = partial(
            sessions.request, "POST", call.target, headers=headers, data=call.body, timeout=timeout, kept=False
        )
        await ensure_ours()
        return await _answer_to(send_anew, left_seconds, call, span)

    def _headers(self, outcome: OutcomeMessage, now: datetime) -> dict[str, str]:
        headers = {
            "content-type": "application/json",
            "webhook-id": header_value(outcome.task_id),
            "webhook-timestamp": str(math.floor(now.timestamp())),
        }
        if self._webhooks:
            # Several while a secret is rotated: one that verifies is enough (Standard Webhooks, "Signature scheme").
            signatures = (webhook.sign(outcome.task_id, now, outcome.body) for webhook in self._webhooks)
            headers["webhook-signature"] = " ".join(signatures)
        return headers

    def _describe_timeout(self, error: TimeoutError) -> str:
        match error:
            case aiohttp.ConnectionTimeoutError():
                return f"no connection within {self._timeout.sock_connect:g} seconds"
            case aiohttp.ServerTimeoutError():
                return f"the receiver was silent for {self._timeout.sock_read:g} seconds"
            case _:
                return f"the receiver did not answer within {self._timeout_seconds:g} seconds"


async def _answer_to(
    send: Callable[[], AbstractAsyncContextManager[http_posts.Answer]],
    timeout_seconds: float,
    call: _Call,
    span: tracing.Span,
) -> Answer:
    async with asyncio.timeout(timeout_seconds) as whole, send() as response:
        # It has answered. What is read of the rest has bounds of its own.
        whole.reschedule(None)
        span.answered(response.status)
        # A short answer has come as a whole.
        if not response.content.is_eof():
            await _read_rest(response)
        return judge(response.status, response.headers, datetime.now(UTC), str(call.target))


async def _read_rest(response: http_posts.Answer) -> None:
    """Read on, within bounds, so that the connection can serve the next callback."""
    received = 0
    with suppress(TimeoutError, *HTTP_ERRORS):
        async with asyncio.timeout(_LONGEST_ANSWER_SECONDS):
            async for piece in response.content.iter_any():
                received += len(piece)
                if received > _MOST_ANSWER_BYTES:
                    return
