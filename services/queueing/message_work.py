"""What a consumer does with a message: keeps it hidden, makes an attempt, and sees it settled."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextvars import Context
from dataclasses import dataclass

import structlog

from services.primitives.bounded import BoundedMap
from services.queueing.attempt import Attempts, MessageHandler
from services.queueing.caution import Caution
from services.queueing.cut_short import TaskTimeoutError
from services.queueing.decisions import Acknowledge, DeadLetter, Decision, RetryPolicy
from services.queueing.errors import MessageGoneError
from services.queueing.heartbeat import Heartbeat
from services.queueing.in_flight import InFlight
from services.queueing.message import ReceivedMessage
from services.queueing.ownership import end_ownership, ensure_ours, take_ownership
from services.queueing.queue import Queue
from services.queueing.retrying import retry_sqs
from services.queueing.settlement import Settlement
from services.queueing.slots import Slots
from services.telemetry import log_context, log_events

log = structlog.get_logger(__name__)

_MOST_DECIDED = 1000


@dataclass(frozen=True, slots=True)
class _Decided:
    """What was decided of a message, and the context of its attempt, in which it is carried out."""

    decision: Acknowledge | DeadLetter
    context: Context


class MessageWork:
    """The work on the messages of one consumer. An attempt has a slot; what was decided is carried out without one."""

    def __init__(  # noqa: PLR0913, PLR0917  # all that a message is worked with
        self,
        queue: Queue,
        dead_letter_queue: Queue,
        handler: MessageHandler,
        policy: RetryPolicy,
        heartbeat: Heartbeat,
        slots: Slots,
        caution: Caution,
        retry_waits_seconds: Sequence[float],
    ) -> None:
        self._queue = queue
        self._handler = handler
        self._heartbeat = heartbeat
        self._slots = slots
        self._caution = caution
        self._retry_waits_seconds = retry_waits_seconds
        self._attempts = Attempts(queue, policy)
        self._settlement = Settlement(queue, dead_letter_queue, retry_waits_seconds)
        self._decided: BoundedMap[str, _Decided] = BoundedMap(_MOST_DECIDED)
        self._attempts_under_way: set[asyncio.Task[None]] = set()

    def is_suspect(self, message: ReceivedMessage) -> bool:
        """Return whether it was received before, and nothing is known of what became of it (see caution.py)."""
        if message.receive_count == 1:
            return False
        return message.message_id not in self._decided and not self._attempts.knows_last_of(message)

    def begin(self, in_flight: InFlight, on_let_go: Callable[[], object]) -> asyncio.Task[None]:
        """Begin to work a message, which takes a slot; the task raises nothing.

        `on_let_go` is called when the message is settled, or must return: from then on its next delivery is no repeat.
        """
        decided = self._decided.get(in_flight.message.message_id)
        if decided:
            in_flight.context = decided.context
        take_ownership(in_flight, self._queue, self._retry_waits_seconds)
        self._slots.take()
        return asyncio.create_task(self._work(in_flight, on_let_go), context=in_flight.context)

    def received_again(self, in_flight: InFlight) -> None:
        """Keep a message hidden that SQS has delivered once more, unless it is being settled."""
        # A standard queue may deliver a message twice, and a heartbeat may have come too late.
        in_flight.context.run(log.info, "received again while in flight")
        if in_flight.settling_since is None:
            self._heartbeat.hold(in_flight)

    def cut_short(self) -> None:
        """Cancel the attempts under way: what they come to is decided, and carried out."""
        for attempt_under_way in self._attempts_under_way:
            attempt_under_way.cancel()

    async def _work(self, in_flight: InFlight, on_let_go: Callable[[], object]) -> None:
        log_context.bind(queue=self._queue.name, **in_flight.message.named)
        try:
            decision = await self._keep_hidden(in_flight, on_let_go)
            if not isinstance(decision, Acknowledge | DeadLetter):
                await self._settlement.carry_out(in_flight, decision)
        except MessageGoneError as error:
            log.warning(log_events.NOT_RETURNED, error=str(error))
        except asyncio.CancelledError:
            log.error(log_events.NOT_SETTLED, error="there was no time left")  # noqa: TRY400  # it is no error of this program
        except Exception:
            # Nothing is lost: SQS gives the message again when its visibility ends.
            log.exception(log_events.NOT_SETTLED)
        finally:
            end_ownership()

    async def _keep_hidden(self, in_flight: InFlight, on_let_go: Callable[[], object]) -> Decision:
        """Keep the message hidden until it is settled, or must return."""
        self._heartbeat.hold(in_flight)
        try:
            decision = await self._decide(in_flight)
            if isinstance(decision, Acknowledge | DeadLetter):
                await self._settle(in_flight, decision)
        except asyncio.CancelledError:
            self._heartbeat.abandon(in_flight)
            raise
        else:
            return decision
        finally:
            await self._heartbeat.let_go(in_flight)
            on_let_go()

    async def _decide(self, in_flight: InFlight) -> Decision:
        """Make an attempt, unless what it would be for was decided before; then give its slot back."""
        try:
            decided = self._decided.get(in_flight.message.message_id)
            return decided.decision if decided else await self._attempt(in_flight)
        finally:
            in_flight.settling_since = time.monotonic()
            self._slots.give_back()

    async def _attempt(self, in_flight: InFlight) -> Decision:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # a coroutine runs in one
        self._attempts_under_way.add(task)
        try:
            return await self._attempts.make(in_flight, self._handle_in_turn)
        finally:
            self._attempts_under_way.discard(task)
            # The handler has had its cancellation; what is left to do for its message is not to be cut off.
            task.uncancel()

    async def _handle_in_turn(self, in_flight: InFlight) -> None:
        if in_flight.is_suspect:
            log.info("nothing is known here of its last attempt", attempt=in_flight.message.receive_count)
            await self._caution.wait_for_turn(lambda: self._attempts.is_last(in_flight.message))
        try:
            await ensure_ours()
            await self._handler(in_flight.message)
        except TaskTimeoutError as error:
            if error.left_running is not None:
                self._slots.leave_running(error.left_running)
            raise
        finally:
            self._caution.ended(is_suspect=in_flight.is_suspect)

    async def _settle(self, in_flight: InFlight, decision: Acknowledge | DeadLetter) -> None:
        """Carry the decision out, and remember it until that has succeeded: the work is not to be done for it again."""
        self._remember(in_flight, decision)
        if isinstance(decision, DeadLetter):
            await self._settlement.carry_out(in_flight, decision)
            self._remember(in_flight, Acknowledge())
        await retry_sqs(lambda: self._delete(in_flight), self._retry_waits_seconds)
        self._decided.pop(in_flight.message.message_id, None)

    async def _delete(self, in_flight: InFlight) -> None:
        await self._heartbeat.let_go(in_flight)
        try:
            await self._queue.delete(in_flight.message)
        except MessageGoneError as error:
            log.info(log_events.GONE_BEFORE_DELETED, error=str(error))
        except Exception:
            self._heartbeat.hold(in_flight)
            raise

    def _remember(self, in_flight: InFlight, decision: Acknowledge | DeadLetter) -> None:
        self._decided[in_flight.message.message_id] = _Decided(decision, in_flight.context)
