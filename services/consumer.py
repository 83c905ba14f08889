"""Consumes a queue: polls it, works each message in a free slot, and carries out what was decided."""

import asyncio
import contextvars
import random
import time
from collections.abc import Awaitable, Callable

import structlog

from services.decisions import (
    Acknowledge,
    DeadLetter,
    Decision,
    PermanentError,
    Retry,
    RetryLaterError,
    RetryPolicy,
    decide_after_failure,
    jittered,
)
from services.heartbeat import Heartbeat
from services.messages import ATTEMPTS_ATTRIBUTE, REASON_ATTRIBUTE, attribute_text
from services.settings import ConsumerSettings
from services.sqs import MAX_RECEIVE, Queue, ReceivedMessage

log = structlog.get_logger(__name__)

MessageHandler = Callable[[ReceivedMessage], Awaitable[None]]
"""Works one message: returning acknowledges it, an error decides what else becomes of it (see decisions.py)."""

_FIRST_BACKOFF_SECONDS = 1.0
_LONGEST_BACKOFF_SECONDS = 30.0
_INSISTENT_WAITS_SECONDS = (0.5, 1, 2)


async def attempt(message: ReceivedMessage, handler: MessageHandler, policy: RetryPolicy) -> Decision:
    """Work the message once and decide what becomes of it. Who received it, and how, does not matter here."""
    try:
        await handler(message)
    except asyncio.CancelledError:
        return _decide(RetryLaterError("the worker was stopped before the attempt was done"), message, policy)
    except Exception as error:
        # The others are sentences, and are logged with the decision.
        if not isinstance(error, PermanentError | RetryLaterError):
            log.warning("attempt failed", attempt=message.receive_count, exc_info=error)
        return _decide(error, message, policy)
    return Acknowledge()


def _decide(error: BaseException, message: ReceivedMessage, policy: RetryPolicy) -> Retry | DeadLetter:
    return decide_after_failure(error, message.receive_count, policy, random.random())  # noqa: S311  # jitter


class Consumer:
    """Receives no more messages than it has free slots, and drains what it has in hand when told to stop."""

    def __init__(
        self,
        queue: Queue,
        dead_letter_queue: Queue,
        handler: MessageHandler,
        policy: RetryPolicy,
        settings: ConsumerSettings,
    ) -> None:
        self._queue = queue
        self._dead_letter_queue = dead_letter_queue
        self._handler = handler
        self._policy = policy
        self._settings = settings
        self._heartbeat = Heartbeat(
            queue,
            interval_seconds=settings.heartbeat_seconds,
            visibility_timeout_seconds=settings.visibility_timeout_seconds,
        )
        self._in_hand: set[asyncio.Task[None]] = set()
        self._attempts: set[asyncio.Task[Decision]] = set()
        self._last_receive_at: float | None = None
        self._backoff_seconds = _FIRST_BACKOFF_SECONDS

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set. A long poll under way ends by itself: a cancelled one can lose its messages."""
        heartbeat = asyncio.create_task(self._heartbeat.run())
        try:
            while not stop.is_set():
                await self._poll(stop)
            await self._drain()
        finally:
            heartbeat.cancel()

    def unready_reason(self) -> str | None:
        """Return why this consumer does not work, or None: its queue answered lately, or its slots are all busy."""
        if len(self._in_hand) >= self._settings.worker_concurrency:
            return None
        if self._last_receive_at is None:
            return f"{self._queue.name}: no successful receive yet"
        age = time.monotonic() - self._last_receive_at
        if age > 2 * self._settings.sqs_wait_time_seconds + 5:
            return f"{self._queue.name}: the last successful receive was {age:.0f} seconds ago"
        return None

    async def _poll(self, stop: asyncio.Event) -> None:
        free = self._settings.worker_concurrency - len(self._in_hand)
        if free == 0:
            await _first_of(stop, self._in_hand)
            return
        try:
            messages = await self._queue.receive(
                min(free, MAX_RECEIVE),
                wait_seconds=self._settings.sqs_wait_time_seconds,
                visibility_timeout_seconds=self._settings.visibility_timeout_seconds,
            )
        except Exception as error:  # noqa: BLE001  # whatever it is, a consumer that ends is worse
            await self._back_off(error, stop)
            return
        self._backoff_seconds = _FIRST_BACKOFF_SECONDS
        self._last_receive_at = time.monotonic()
        for message in messages:
            # Shared by what works on the message, so that each line of its log names the task.
            context = contextvars.copy_context()
            task = asyncio.create_task(self._work(message, context), context=context)
            self._in_hand.add(task)
            task.add_done_callback(self._in_hand.discard)

    async def _back_off(self, error: Exception, stop: asyncio.Event) -> None:
        wait = jittered(self._backoff_seconds, random.random())  # noqa: S311  # jitter
        self._backoff_seconds = min(2 * self._backoff_seconds, _LONGEST_BACKOFF_SECONDS)
        log.warning("receive failed", queue=self._queue.name, error=repr(error), retry_in_seconds=round(wait, 1))
        await _first_of(stop, set(), timeout_seconds=wait)

    async def _drain(self) -> None:
        if not self._in_hand:
            return
        log.info("draining", queue=self._queue.name, in_hand=len(self._in_hand))
        await asyncio.wait(self._in_hand, timeout=self._settings.drain_timeout_seconds)
        # Only attempts are cut short; what was decided is still carried out.
        for attempt_under_way in self._attempts:
            attempt_under_way.cancel()
        if self._in_hand:
            await asyncio.wait(self._in_hand)

    async def _work(self, message: ReceivedMessage, context: contextvars.Context) -> None:
        structlog.contextvars.bind_contextvars(queue=self._queue.name, message_id=message.message_id)
        try:
            async with self._heartbeat.holding(message):
                decision = await self._attempt(message, context)
                if not isinstance(decision, Retry):
                    await self._settle(message, decision)
                    return
            await self._return(message, decision)
        except Exception:
            # Nothing is lost: SQS gives the message again when its visibility ends.
            log.exception("message not settled, it will be received again")

    async def _attempt(self, message: ReceivedMessage, context: contextvars.Context) -> Decision:
        task = asyncio.create_task(attempt(message, self._handler, self._policy), context=context)
        self._attempts.add(task)
        try:
            return await task
        finally:
            self._attempts.discard(task)

    async def _settle(self, message: ReceivedMessage, decision: Acknowledge | DeadLetter) -> None:
        if isinstance(decision, DeadLetter):
            log.error("dead-lettered", reason=decision.reason, attempts=decision.attempts)
            await insistently(lambda: self._dead_letter(message, decision))
        await insistently(lambda: self._queue.delete(message))

    async def _dead_letter(self, message: ReceivedMessage, decision: DeadLetter) -> None:
        attributes = {REASON_ATTRIBUTE: attribute_text(decision.reason), ATTEMPTS_ATTRIBUTE: str(decision.attempts)}
        await self._dead_letter_queue.send(message.body, attributes)

    async def _return(self, message: ReceivedMessage, decision: Retry) -> None:
        log.info("returned for retry", reason=decision.reason, after_seconds=decision.after_seconds)
        await insistently(lambda: self._queue.change_visibility(message, decision.after_seconds))


async def insistently(call: Callable[[], Awaitable[None]]) -> None:
    """Try a call on SQS a few times: a moment's failure there must not make work that is done run again.

    Raises what the last try raised.
    """
    for wait_seconds in _INSISTENT_WAITS_SECONDS:
        try:
            await call()
        except Exception as error:  # noqa: BLE001  # the last try raises
            log.warning("SQS call failed, trying again", error=repr(error))
            await asyncio.sleep(jittered(wait_seconds, random.random()))  # noqa: S311  # jitter
        else:
            return
    await call()


async def _first_of(stop: asyncio.Event, tasks: set[asyncio.Task[None]], timeout_seconds: float | None = None) -> None:
    """Wait until `stop` is set, one of the tasks is done, or the time is over."""
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({stopping, *tasks}, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
