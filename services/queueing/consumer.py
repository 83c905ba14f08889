"""Consumes a queue: polls it, works each message in a free slot, and carries out what was decided."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from itertools import islice
from typing import Any

import structlog

from services.errors import RetryLaterError, is_sentence, reason_of
from services.primitives import clock
from services.primitives.clock import Moment
from services.queueing import ownership
from services.queueing.attempt_history import AttemptHistory
from services.queueing.caution import Caution
from services.queueing.cut_short import TaskTimeoutError
from services.queueing.dead_letter import FAILURE_ATTRIBUTES, TRACE_ATTRIBUTE, dead_letter_attributes
from services.queueing.decisions import (
    Acknowledge,
    DeadLetter,
    Decision,
    Drop,
    Retry,
    RetryPolicy,
    decide_after_failure,
    jittered,
)
from services.queueing.errors import MessageGoneError
from services.queueing.heartbeat import Heartbeat
from services.queueing.in_flight import InHand, hidden_since
from services.queueing.message import ReceivedMessage, sent_at_attribute
from services.queueing.metrics import ConsumerMetrics
from services.queueing.ownership import NotOursError, ensure_ours
from services.queueing.polling import GATHER_SECONDS, MAX_POLLS, ROOM_WAIT_SECONDS, messages_to_receive
from services.queueing.queue import Queue
from services.queueing.retrying import insistently
from services.queueing.settings import ConsumerSettings
from services.telemetry import log_events, tracing

log = structlog.get_logger(__name__)

MessageHandler = Callable[[ReceivedMessage], Awaitable[None]]
"""Works one message: returning acknowledges it, an error decides what else becomes of it (see decisions.py)."""

_FIRST_BACKOFF_SECONDS = 1.0
_LONGEST_BACKOFF_SECONDS = 30.0

# A long poll ends by itself. Longer than this after its time, SQS is silent.
_POLL_GRACE_SECONDS = 5.0
_ANSWER_SECONDS = 2.0
# So long a decision of a stopping consumer's last moment may take to reach SQS.
_SETTLE_SECONDS = 5.0
_END_SECONDS = 1.0

_MOST_DECIDED = 1000
_MOST_LISTED = 100


async def attempt(
    in_hand: InHand, work: Callable[[InHand], Awaitable[None]], policy: RetryPolicy, history: AttemptHistory
) -> Decision:
    """Work the message once and decide what becomes of it. Who received it, and how, does not matter here."""
    try:
        await work(in_hand)
    except asyncio.CancelledError:
        failure: Exception = RetryLaterError("the worker was stopped before the attempt was done")
    except Exception as error:
        # The others are sentences, and are logged with the decision.
        if not is_sentence(error):
            log.warning(log_events.ATTEMPT_FAILED, attempt=in_hand.message.receive_count, exc_info=error)
        failure = error
    else:
        return Acknowledge()
    return await _decide(failure, in_hand, policy, history)


async def _decide(
    error: Exception, in_hand: InHand, policy: RetryPolicy, history: AttemptHistory
) -> Retry | DeadLetter | Drop:
    tracing.tracer.failed(error)
    # The count of now: SQS moves the message by what it has counted, deliveries during the attempt included.
    message_id, count = in_hand.message.message_id, in_hand.message.receive_count
    try:
        # That it has failed is an outcome too.
        await ensure_ours()
    except NotOursError as lost:
        reason = reason_of(error)
        history.note(message_id, count, reason)
        return Drop(reason if isinstance(error, NotOursError) else f"{reason}; {lost}")
    decision = decide_after_failure(error, count, policy, random.random(), history.of(message_id))  # noqa: S311  # jitter
    if isinstance(decision, Retry):
        history.note(message_id, count, decision.reason)
    else:
        history.forget(message_id)
    return decision


@dataclass(frozen=True, slots=True)
class _Poll:
    """A receive under way."""

    most: int
    """How many messages it may bring."""
    due_at: float
    """When it has ended if SQS answers, by the loop's clock."""


@dataclass(frozen=True, slots=True)
class _Decided:
    """What was decided of a message, and the context of its attempt, in which it is carried out."""

    decision: Acknowledge | DeadLetter
    context: Context


class Consumer:
    """Receives no more messages than it has free slots, and drains what it has in hand when told to stop.

    A message takes a slot for its attempt. What becomes of it is carried out beside the next one's, for as many
    messages as there are slots.
    """

    def __init__(  # noqa: PLR0913  # all that a queue is consumed with
        self,
        queue: Queue,
        dead_letter_queue: Queue,
        handler: MessageHandler,
        policy: RetryPolicy,
        settings: ConsumerSettings,
        *,
        caution: Caution | None = None,
    ) -> None:
        """Without `caution` it takes all that it has room for, whatever became of the worker before it."""
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
        self._caution = caution or Caution()
        self._history = AttemptHistory()
        self._in_hand: dict[str, InHand] = {}
        self._decided: dict[str, _Decided] = {}
        self._tasks: dict[asyncio.Task[None], InHand] = {}
        self._attempts: set[asyncio.Task[None]] = set()
        self._slots_taken = 0
        self._left_running = 0
        self._polls: dict[asyncio.Task[None], _Poll] = {}
        self._is_backlog = False
        self._has_waited = False
        self._waiting: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()
        self._last_receive_at: float | None = None
        self._receive_due_since: float | None = None
        self._last_taken_at = 0.0
        self._metrics = ConsumerMetrics(
            queue.definition.name, settings.worker_concurrency, slots_taken=lambda: self._slots_taken
        )
        self._backoff_seconds = _FIRST_BACKOFF_SECONDS

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set. A long poll under way ends by itself: a cancelled one can lose its messages."""
        heartbeat = asyncio.create_task(self._heartbeat.run())
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _task: self._changed.set())
        try:
            while not stop.is_set():
                self._changed.clear()
                self._poll_where_there_is_room(stop)
                await self._changed.wait()
            await self._drain()
        finally:
            for task in (heartbeat, stopping, *self._polls):
                task.cancel()

    def unready_reason(self) -> str | None:
        """Return why this consumer does not work, or None: its queue answered lately, or no receive is due."""
        if self._left_running >= self._settings.worker_concurrency:
            return f"{self._queue.name}: every slot is held by a task that ignored its timeout and is still running"
        if self._last_receive_at is None:
            return f"{self._queue.name}: no successful receive yet"
        if self._receive_due_since is None:
            return None
        # While the slots were busy, none was due.
        age = _now() - max(self._last_receive_at, self._receive_due_since)
        if age > 2 * self._settings.sqs_wait_time_seconds + 5:
            return f"{self._queue.name}: no receive has succeeded for {age:.0f} seconds"
        return None

    def describe_work(self) -> dict[str, Any]:
        """Return, as JSON, how busy it is and the messages that it has in hand, the oldest of them."""
        oldest = islice(self._in_hand.values(), _MOST_LISTED)
        return {
            "queue": self._queue.definition.name,
            "slots": self._settings.worker_concurrency,
            "busy": self._slots_taken,
            "left_running": self._left_running,
            "last_receive_seconds_ago": None if self._last_receive_at is None else _now() - self._last_receive_at,
            "in_hand": [in_hand.describe() for in_hand in oldest],
        }

    def _free_slots(self) -> int:
        slots = self._settings.worker_concurrency
        # Where SQS does not take what was decided, no more is begun than can be held meanwhile.
        taken = max(self._slots_taken, len(self._tasks) - slots)
        return max(0, slots - taken - sum(poll.most for poll in self._polls.values()))

    def _poll_where_there_is_room(self, stop: asyncio.Event) -> None:
        slots, free = self._settings.worker_concurrency, self._free_slots()
        now = _now()
        bound = self._caution.most_to_receive(self._slots_taken, now)
        while most := messages_to_receive(
            free, slots, len(self._polls), bound, is_backlog=self._is_backlog, has_waited=self._has_waited
        ):
            free -= most
            self._has_waited = False
            poll = asyncio.create_task(self._poll(most, stop))
            self._polls[poll] = _Poll(most, now + self._settings.sqs_wait_time_seconds + _POLL_GRACE_SECONDS)
            poll.add_done_callback(self._poll_done)
        has_room = free > 0 and bound > 0
        if has_room and not self._polls and self._waiting is None:
            self._waiting = asyncio.get_running_loop().call_later(ROOM_WAIT_SECONDS, self._room_waited)
        is_due = has_room or bool(self._polls)
        self._receive_due_since = (self._receive_due_since or now) if is_due else None

    def _room_waited(self) -> None:
        self._waiting = None
        self._has_waited = True
        self._changed.set()

    def _poll_done(self, poll: asyncio.Task[None]) -> None:
        del self._polls[poll]
        self._changed.set()

    async def _poll(self, most: int, stop: asyncio.Event) -> None:
        try:
            await self._look_back()
            asked_at = clock.now()
            messages = await self._queue.receive(
                most,
                wait_seconds=self._settings.sqs_wait_time_seconds,
                visibility_timeout_seconds=self._settings.visibility_timeout_seconds,
            )
        except Exception as error:  # noqa: BLE001  # whatever it is, a consumer that ends is worse
            self._is_backlog = False
            await self._back_off(error, stop)
            return
        self._backoff_seconds = _FIRST_BACKOFF_SECONDS
        self._last_receive_at = _now()
        self._is_backlog = len(messages) == most
        self._caution.received(len(messages), [self._take(message, asked_at) for message in messages].count(True))
        if messages:
            self._last_taken_at = _now()
        if 1 < len(messages) < most:
            await asyncio.sleep(GATHER_SECONDS)

    async def _look_back(self) -> None:
        """Ask, before the first receive, what is in flight: a lost worker may have left it."""
        if not self._caution.must_look:
            return
        state = await self._queue.state()
        seconds = self._caution.looked(state.in_flight, _now())
        if seconds:
            log.info("began with care: messages are in flight", queue=self._queue.name, in_flight=state.in_flight)
            asyncio.get_running_loop().call_later(seconds, self._changed.set)

    def _take(self, message: ReceivedMessage, asked_at: Moment) -> bool:
        """Work the message; tell whether it is a suspect (see caution.py)."""
        visibility_timeout = self._settings.visibility_timeout_seconds
        hidden_at = hidden_since(message, asked_at, self._settings.sqs_wait_time_seconds, visibility_timeout)
        in_hand = self._in_hand.get(message.message_id)
        if in_hand is not None:
            # A standard queue may deliver a message twice, and a heartbeat may have come too late.
            in_hand.context.run(log.info, "received again while in hand")
            in_hand.received_again(message, hidden_at)
            if in_hand.settling_since is None:
                self._heartbeat.hold(in_hand)
            return False
        decided = self._decided.get(message.message_id)
        last = message.receive_count - 1
        is_suspect = last > 0 and decided is None and last not in self._history.of(message.message_id)
        in_hand = InHand(message, visibility_timeout, hidden_at, is_suspect=is_suspect)
        if decided:
            in_hand.context = decided.context
        ownership.hold(in_hand, self._queue)
        self._in_hand[message.message_id] = in_hand
        self._metrics.received(message)
        self._slots_taken += 1
        task = asyncio.create_task(self._work(in_hand), context=in_hand.context)
        self._tasks[task] = in_hand
        task.add_done_callback(self._work_done)
        return is_suspect

    def _work_done(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        self._room_made()

    def _room_made(self) -> None:
        # With all polls under way there is nothing that it could be used for.
        if len(self._polls) < MAX_POLLS:
            self._changed.set()

    async def _back_off(self, error: Exception, stop: asyncio.Event) -> None:
        wait = jittered(self._backoff_seconds, random.random())  # noqa: S311  # jitter
        self._backoff_seconds = min(2 * self._backoff_seconds, _LONGEST_BACKOFF_SECONDS)
        log.warning("receive failed", queue=self._queue.name, error=repr(error), retry_in_seconds=round(wait, 1))
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await stop.wait()

    async def _drain(self) -> None:
        """Finish what is in hand, and be done in time, whether SQS answers or not.

        What is in hand, and what the last long poll still brings, gets the whole of the drain's time.
        """
        begun_at = _now()
        if self._tasks:
            log.info("draining", queue=self._queue.name, in_hand=len(self._tasks))
        await self._end_polls(begun_at + self._settings.drain_timeout_seconds)
        deadline = max(begun_at, self._last_taken_at) + self._settings.drain_timeout_seconds
        await _wait_for(self._tasks, deadline)
        if self._tasks:
            await self._cut_short()

    async def _end_polls(self, deadline: float) -> None:
        """Let the polls under way end by themselves, behind the deadline too if SQS answers; else leave them behind."""
        due_at = max((poll.due_at for poll in self._polls.values()), default=0.0)
        await _wait_for(self._polls, min(due_at, deadline))
        if self._polls and await self._answers():
            await _wait_for(self._polls, due_at)
        if self._polls:
            log.warning("a receive is left behind: SQS does not answer", queue=self._queue.name)

    async def _answers(self) -> bool:
        with suppress(Exception):
            async with asyncio.timeout(_ANSWER_SECONDS):
                await self._queue.state()
                return True
        return False

    async def _cut_short(self) -> None:
        """End the attempts that are not done, and give a moment to what was decided in the last one."""
        for attempt_under_way in self._attempts:
            attempt_under_way.cancel()
        long_ago = time.monotonic() - _SETTLE_SECONDS
        for task, in_hand in self._tasks.items():
            if in_hand.settling_since is not None and in_hand.settling_since < long_ago:
                task.cancel()
        now = _now()
        await _wait_for(self._tasks, now + _SETTLE_SECONDS)
        for task in self._tasks:
            task.cancel()
        await _wait_for(self._tasks, now + _SETTLE_SECONDS + _END_SECONDS)

    async def _work(self, in_hand: InHand) -> None:
        structlog.contextvars.bind_contextvars(queue=self._queue.name, message_id=in_hand.message.message_id)
        try:
            decision = await self._hold(in_hand)
            if isinstance(decision, Retry):
                await self._return(in_hand, decision)
            elif isinstance(decision, Drop):
                log.warning(log_events.DROPPED, reason=decision.reason)
        except MessageGoneError as error:
            log.warning(log_events.NOT_RETURNED, error=str(error))
        except asyncio.CancelledError:
            log.error(log_events.NOT_SETTLED, error="there was no time left")  # noqa: TRY400  # it is no error of this program
        except Exception:
            # Nothing is lost: SQS gives the message again when its visibility ends.
            log.exception(log_events.NOT_SETTLED)

    async def _hold(self, in_hand: InHand) -> Decision:
        """Keep the message until it is settled, or must return: from then on its next delivery is no repeat."""
        message_id = in_hand.message.message_id
        self._heartbeat.hold(in_hand)
        try:
            decision = await self._decide(in_hand)
            if isinstance(decision, Acknowledge | DeadLetter):
                await self._settle(in_hand, decision)
        except asyncio.CancelledError:
            self._heartbeat.abandon(in_hand)
            raise
        else:
            return decision
        finally:
            await self._heartbeat.let_go(in_hand)
            del self._in_hand[message_id]

    async def _decide(self, in_hand: InHand) -> Decision:
        """Make an attempt, unless what it would be for was decided before; then give its slot back."""
        try:
            decided = self._decided.get(in_hand.message.message_id)
            return decided.decision if decided else await self._attempt(in_hand)
        finally:
            in_hand.settling_since = time.monotonic()
            self._slots_taken -= 1
            self._room_made()

    async def _attempt(self, in_hand: InHand) -> Decision:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # a coroutine runs in one
        self._attempts.add(task)
        self._metrics.begins(in_hand.message)
        try:
            # SQS moves a message without a reason: the last attempt that it allows must be one that gives it.
            policy = self._policy.at_most(self._queue.max_receives)
            with tracing.tracer.process_span(
                self._queue.destination,
                in_hand.message.message_id,
                in_hand.message.receive_count,
                in_hand.message.attributes,
            ):
                decision = await attempt(in_hand, self._handle_in_turn, policy, self._history)
            self._metrics.ended(decision)
            return decision
        finally:
            self._attempts.discard(task)
            # Cut short, it has been told; what is left to do for its message is not to be cut off.
            task.uncancel()

    async def _handle_in_turn(self, in_hand: InHand) -> None:
        if in_hand.is_suspect:
            log.info("nothing is known here of its last attempt", attempt=in_hand.message.receive_count)
            await self._caution.wait_for_turn(lambda: self._is_last(in_hand))
        try:
            await ensure_ours()
            await self._handler(in_hand.message)
        except TaskTimeoutError as error:
            if error.left_running is not None:
                self._leave_running(error.left_running)
            raise
        finally:
            self._caution.ended(is_suspect=in_hand.is_suspect)

    def _leave_running(self, work: asyncio.Task[Any]) -> None:
        """Take a slot for what goes on although its message is let go: such work must not pile up."""
        self._slots_taken += 1
        self._left_running += 1
        work.add_done_callback(self._left_running_ended)

    def _left_running_ended(self, _work: asyncio.Task[Any]) -> None:
        self._slots_taken -= 1
        self._left_running -= 1
        self._room_made()

    def _is_last(self, in_hand: InHand) -> bool:
        most = self._policy.at_most(self._queue.max_receives).max_attempts
        return most is not None and in_hand.message.receive_count >= most

    async def _settle(self, in_hand: InHand, decision: Acknowledge | DeadLetter) -> None:
        """Carry the decision out, and remember it until that has succeeded: the work is not to be done for it again."""
        message_id = in_hand.message.message_id
        self._remember(in_hand, decision)
        if isinstance(decision, DeadLetter):
            log.error(log_events.DEAD_LETTERED, reason=decision.reason, attempts=decision.attempts)
            await insistently(lambda: self._dead_letter(in_hand.message, decision))
            self._remember(in_hand, Acknowledge())
        await insistently(lambda: self._delete(in_hand))
        self._decided.pop(message_id, None)

    async def _delete(self, in_hand: InHand) -> None:
        await self._heartbeat.let_go(in_hand)
        try:
            await self._queue.delete(in_hand.message)
        except MessageGoneError as error:
            log.info("the message was gone before it was deleted", error=str(error))
        except Exception:
            self._heartbeat.hold(in_hand)
            raise

    def _remember(self, in_hand: InHand, decision: Acknowledge | DeadLetter) -> None:
        self._decided[in_hand.message.message_id] = _Decided(decision, in_hand.context)
        if len(self._decided) > _MOST_DECIDED:
            del self._decided[next(iter(self._decided))]

    async def _dead_letter(self, message: ReceivedMessage, decision: DeadLetter) -> None:
        source, trace, since = self._queue.definition.name, decision.trace, {}
        if self._queue.definition.source_queue:
            # It was dead already: what is worth keeping is the trace of the work, not of the report, and since when.
            source, trace = self._queue.definition.source_queue, message.attributes.get(TRACE_ATTRIBUTE, "")
            since = {} if message.dead_letter_source_arn else sent_at_attribute(message.sent_at)
        attributes = {**dead_letter_attributes(decision.reason, decision.attempts, source, trace), **since}
        await self._dead_letter_queue.forward(message, attributes, without=FAILURE_ATTRIBUTES)

    async def _return(self, in_hand: InHand, decision: Retry) -> None:
        log.info(log_events.RETURNED_FOR_RETRY, reason=decision.reason, after_seconds=decision.after_seconds)
        await insistently(lambda: self._queue.change_visibility(in_hand.message, decision.after_seconds))


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _wait_for(tasks: Collection[asyncio.Task[None]], deadline: float) -> None:
    """Wait until the tasks have ended, or the loop's clock has reached the deadline."""
    if tasks:
        seconds = deadline - _now()
        await asyncio.wait(tasks, timeout=max(0.0, seconds))
