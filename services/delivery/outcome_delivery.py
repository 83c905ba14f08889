"""Delivers an outcome, or puts it where it will be: nobody may let one go otherwise."""

import asyncio
import math
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from services.delivery.answers import Answer, Delivered, FailedForGood, FailedForNow
from services.delivery.callback_client import CallbackClient
from services.delivery.settings import DeliverySettings
from services.errors import PermanentError
from services.messages import (
    DELIVERY_ATTEMPTS_ATTRIBUTE,
    MAX_OUTCOME_BYTES,
    OutcomeMessage,
    encode_outcome,
    max_body_bytes,
)
from services.primitives.sqs_limits import LONGEST_DELAY_SECONDS
from services.queueing.dead_letter import dead_letter_attributes
from services.queueing.ownership import ensure_ours
from services.queueing.queue import Queue
from services.queueing.retrying import SQS_RETRY_WAITS_SECONDS, retry_sqs
from services.queueing.timing import jittered
from services.queues import CALLBACKS
from services.telemetry import log_events

log = structlog.get_logger(__name__)

_ENCODED_IN_PLACE_BYTES = 262_144
"""The body of an outcome that is encoded at once: it takes less than a millisecond, some where it has to be compressed.
Into a message of SQS it fits as it is, although its escapes can make it twice as long."""


class OutcomeTooLargeError(PermanentError):
    """The receiver did not take the outcome, and no SQS message can hold it until it does."""


class OutcomeDelivery:
    """Tries the callback briefly in place; what it does not take goes to `callbacks`, or to its DLQ if final."""

    def __init__(
        self,
        client: CallbackClient,
        callbacks: Queue,
        callbacks_dlq: Queue,
        settings: DeliverySettings,
        retry_waits_seconds: Sequence[float] = SQS_RETRY_WAITS_SECONDS,
    ) -> None:
        """`retry_waits_seconds`: between the tries of a call on SQS that fails."""
        self._client = client
        self._callbacks = callbacks
        self._callbacks_dlq = callbacks_dlq
        self._in_place_waits_seconds = settings.callback_in_place_retry_seconds
        self._retry_waits_seconds = retry_waits_seconds
        self._first_wait_seconds = settings.callback_retry_schedule_seconds[0]
        # Of its own: the default executor is for the blocking work of task types, which may hold it for long.
        self._encoder = ThreadPoolExecutor(max_workers=1, thread_name_prefix="outcome-encoder")

    def close(self) -> None:
        """Encode no more."""
        self._encoder.shutdown()

    async def deliver(self, outcome: OutcomeMessage, message_group_id: str | None = None) -> None:
        """Return when the outcome is delivered, or durably on a queue, in the message group of its task.

        Where it is neither it raises OutcomeTooLargeError, NotOursError (see ownership.py), or what SQS raised.
        """
        answer, attempts = await self._try_in_place(outcome)
        if not isinstance(answer, Delivered):
            # What is queued is going to be delivered as well.
            await ensure_ours()
        match answer:
            case Delivered():
                log.info(log_events.DELIVERED, task_id=outcome.task_id, delivery_attempts=attempts)
            case FailedForGood():
                await self._give_up(outcome, answer, attempts, message_group_id)
            case FailedForNow():
                await self._queue_for_retry(outcome, answer, attempts, message_group_id)

    async def _try_in_place(self, outcome: OutcomeMessage) -> tuple[Answer, int]:
        """Return the last answer and how many attempts were made."""
        attempts = 1
        answer = await self._client.post(outcome)
        for wait_seconds in self._in_place_waits_seconds:
            if (
                not isinstance(answer, FailedForNow)
                or not answer.soon
                or (answer.retry_after_seconds or 0) > wait_seconds
            ):
                break
            await asyncio.sleep(jittered(wait_seconds, random.random()))  # noqa: S311  # jitter
            attempts += 1
            answer = await self._client.post(outcome, attempts)
        return answer, attempts

    async def _queue_for_retry(
        self, outcome: OutcomeMessage, answer: FailedForNow, attempts: int, message_group_id: str | None
    ) -> None:
        wanted_seconds = max(jittered(self._first_wait_seconds, random.random()), answer.retry_after_seconds or 0)  # noqa: S311
        wait_seconds = min(math.ceil(wanted_seconds), LONGEST_DELAY_SECONDS)
        log.warning(
            log_events.NOT_DELIVERED_YET,
            task_id=outcome.task_id,
            reason=answer.reason,
            delivery_attempts=attempts,
            after_seconds=wait_seconds,
        )
        body = await self._message_of(outcome, answer.reason)
        made = {DELIVERY_ATTEMPTS_ATTRIBUTE: str(attempts)}
        await retry_sqs(
            lambda: self._callbacks.send(body, made, delay_seconds=wait_seconds, message_group_id=message_group_id),
            self._retry_waits_seconds,
        )

    async def _give_up(
        self, outcome: OutcomeMessage, answer: FailedForGood, attempts: int, message_group_id: str | None
    ) -> None:
        log.error(log_events.DELIVERY_GIVEN_UP, task_id=outcome.task_id, reason=answer.reason)
        body = await self._message_of(outcome, answer.reason)
        attributes = dead_letter_attributes(answer.reason, attempts, CALLBACKS)
        await retry_sqs(
            lambda: self._callbacks_dlq.send(body, attributes, message_group_id=message_group_id),
            self._retry_waits_seconds,
        )

    async def _message_of(self, outcome: OutcomeMessage, reason: str) -> str:
        # It is ASCII, so characters are bytes.
        size = len(outcome.body)
        most = max_body_bytes(min(self._callbacks.max_message_bytes, self._callbacks_dlq.max_message_bytes))
        if size <= MAX_OUTCOME_BYTES:
            body = await self._encoded(outcome, most)
            if len(body) <= most:
                return body
        raise OutcomeTooLargeError(
            f"{reason}, and the outcome of {size} bytes cannot wait in a queue: even compressed it does not fit into"
            f" the {most} bytes of an SQS message"
        )

    async def _encoded(self, outcome: OutcomeMessage, most_bytes: int) -> str:
        if len(outcome.body) <= _ENCODED_IN_PLACE_BYTES:
            return encode_outcome(outcome, most_bytes)
        # Megabytes take a while to compress, in which other messages want to be worked.
        return await asyncio.get_running_loop().run_in_executor(self._encoder, encode_outcome, outcome, most_bytes)
