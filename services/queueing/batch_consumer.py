"""Works the messages that somebody else has received and will delete, a batch at a time: a function's event source.

Lambda deletes what is not reported as failed, once the function has answered; what is reported comes again when its
visibility timeout ends. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

import asyncio
from collections.abc import Iterable, Sequence

import structlog

from services.errors import RetryLaterError
from services.primitives.bounded import BoundedMap
from services.primitives.clock import Clock, this_moment
from services.queueing.attempt import Attempts, MessageHandler
from services.queueing.batch_order import order_of
from services.queueing.decisions import Acknowledge, DeadLetter, Decision, RetryPolicy
from services.queueing.errors import MessageGoneError
from services.queueing.in_flight import InFlight
from services.queueing.message import RECEIVES_BEFORE_ATTRIBUTE, ReceivedMessage, sent_at_attribute
from services.queueing.ownership import end_ownership, ensure_ours, take_ownership
from services.queueing.queue import Queue
from services.queueing.retrying import SQS_RETRY_WAITS_SECONDS, retry_sqs
from services.queueing.settings import ConsumerSettings
from services.queueing.settlement import Settlement
from services.queueing.timing import SETTLE_SECONDS
from services.telemetry import log_context, log_events

log = structlog.get_logger(__name__)

_TRUST_AFTER = 10
"""So many suspects (see batch_order.py) are worked with care by a process; when it lives then, the others need none."""

_MOST_DECIDED = 1000


class OutOfTimeError(RetryLaterError):
    """The time that there was for the batch was over before the attempt was done."""


class BatchConsumer:
    """Works batches of one queue's messages by the same attempts, and settles them alike, as a Consumer does."""

    def __init__(  # noqa: PLR0913  # all that a queue is consumed with
        self,
        queue: Queue,
        dead_letter_queue: Queue,
        handler: MessageHandler,
        policy: RetryPolicy,
        settings: ConsumerSettings,
        *,
        retry_waits_seconds: Sequence[float] = SQS_RETRY_WAITS_SECONDS,
        clock: Clock = this_moment,
    ) -> None:
        """`retry_waits_seconds`: between the tries of a call on SQS that fails."""
        self._queue = queue
        self._handler = handler
        self._visibility_timeout_seconds = settings.visibility_timeout_seconds
        self._retry_waits_seconds = retry_waits_seconds
        self._clock = clock
        self._attempts = Attempts(queue, policy)
        self._settlement = Settlement(queue, dead_letter_queue, retry_waits_seconds)
        self._slots = asyncio.Semaphore(settings.worker_concurrency)
        self._decided: BoundedMap[_Key, Acknowledge | DeadLetter] = BoundedMap(_MOST_DECIDED)
        self._suspects_ended = 0

    async def work(self, messages: Sequence[ReceivedMessage], ends_at: float) -> list[str]:
        """Work the messages until `ends_at` at the latest, a time of the loop's clock; it raises nothing.

        Return the ids of those that must come again: all others may be deleted.
        """
        order = order_of(messages, self._is_suspect, self._attempts.is_last)
        to_come_again = await self._give_back(order.given_back, ends_at)
        loop = asyncio.get_running_loop()
        begun_at = loop.time()
        for index, together in enumerate(order.rounds):
            if index and loop.time() - begun_at > ends_at - loop.time():
                # An attempt that has little time left would be cut short, and counted.
                not_begun = [message for later in order.rounds[index:] for message in later]
                to_come_again += await self._give_back(not_begun, ends_at)
                break
            done = await self._work_together(together, ends_at)
            to_come_again += [each.message_id for each in together if each not in done]
            if index + 1 < len(order.rounds):
                await self._delete(done, ends_at)
        return to_come_again

    def _is_suspect(self, message: ReceivedMessage) -> bool:
        if message.receive_count == 1 or self._suspects_ended >= _TRUST_AFTER:
            return False
        return _key(message) not in self._decided and not self._attempts.knows_last_of(message)

    async def _work_together(self, messages: Sequence[ReceivedMessage], ends_at: float) -> list[ReceivedMessage]:
        """Work messages at a time; return those that are done with."""
        suspects = sum(map(self._is_suspect, messages))
        are_done = await asyncio.gather(*(self._begin(message, ends_at) for message in messages))
        self._suspects_ended += suspects
        return [message for message, is_done in zip(messages, are_done, strict=True) if is_done]

    def _begin(self, message: ReceivedMessage, ends_at: float) -> asyncio.Task[bool]:
        in_flight = InFlight(message, self._visibility_timeout_seconds, self._clock(), self._clock)
        take_ownership(in_flight, self._queue, self._retry_waits_seconds)
        return asyncio.create_task(self._work(in_flight, ends_at), context=in_flight.context)

    async def _work(self, in_flight: InFlight, ends_at: float) -> bool:
        """Return whether the message is done with; it raises nothing."""
        log_context.bind(queue=self._queue.name, **in_flight.message.named)
        try:
            async with asyncio.timeout_at(ends_at):
                return await self._carry_out(in_flight, await self._decide(in_flight, ends_at), ends_at)
        except MessageGoneError as error:
            log.warning(log_events.NOT_RETURNED, error=str(error))
        except Exception:
            # Nothing is lost: SQS gives the message again when its visibility ends.
            log.exception(log_events.NOT_SETTLED)
        finally:
            end_ownership()
        return False

    async def _decide(self, in_flight: InFlight, ends_at: float) -> Decision:
        async def handle(in_flight: InFlight) -> None:
            await self._handle(in_flight.message, ends_at - SETTLE_SECONDS)

        return self._decided.get(_key(in_flight.message)) or await self._attempts.make(in_flight, handle)

    async def _handle(self, message: ReceivedMessage, ends_at: float) -> None:
        try:
            async with asyncio.timeout_at(ends_at) as limit, self._slots:
                await ensure_ours()
                await self._handler(message)
        except TimeoutError as error:
            if limit.expired():
                raise OutOfTimeError("the time of the function was over before the attempt was done") from error
            raise

    async def _carry_out(self, in_flight: InFlight, decision: Decision, ends_at: float) -> bool:
        """Return whether the message is done with: it may be deleted."""
        if isinstance(decision, Acknowledge | DeadLetter):
            # Whether the message is deleted then shows only when it does not come again: the work is not to be.
            self._decided[_key(in_flight.message)] = decision
        await self._settlement.carry_out(in_flight, decision, deadline=ends_at)
        if isinstance(decision, DeadLetter):
            self._decided[_key(in_flight.message)] = Acknowledge()
        return isinstance(decision, Acknowledge | DeadLetter)

    async def _give_back(self, messages: Sequence[ReceivedMessage], ends_at: float) -> list[str]:
        """Send messages anew that were not begun, so that this receive of them does not count as an attempt.

        Return the ids of those that could not be sent: they come again by themselves.
        """
        are_sent = await asyncio.gather(*(self._send_anew(message, ends_at) for message in messages))
        sent = [message for message, is_sent in zip(messages, are_sent, strict=True) if is_sent]
        await self._delete(sent, ends_at)
        return [message.message_id for message in messages if message not in sent]

    async def _send_anew(self, message: ReceivedMessage, ends_at: float) -> bool:
        """Return whether SQS has confirmed it."""
        before = {RECEIVES_BEFORE_ATTRIBUTE: str(message.receive_count - 1), **sent_at_attribute(message.sent_at)}
        about = {"queue": self._queue.name, **message.named}
        try:
            async with asyncio.timeout_at(ends_at):
                await retry_sqs(
                    lambda: self._queue.forward(message, before), self._retry_waits_seconds, deadline=ends_at
                )
        except Exception:
            log.exception(log_events.NOT_SETTLED, **about)
            return False
        log.info("given back without an attempt", **about)
        return True

    async def _delete(self, messages: Iterable[ReceivedMessage], ends_at: float) -> None:
        """Delete what is done with, before something is begun that may kill the process."""
        await asyncio.gather(*(self._delete_one(message, ends_at) for message in messages))

    async def _delete_one(self, message: ReceivedMessage, ends_at: float) -> None:
        try:
            async with asyncio.timeout_at(ends_at):
                await self._queue.delete(message)
        except MessageGoneError:
            return
        except Exception as error:  # noqa: BLE001  # whatever it is, who has received it deletes it too
            log.warning("not deleted before another is begun", queue=self._queue.name, error=repr(error))


_Key = tuple[str, float | str]


def _key(message: ReceivedMessage) -> _Key:
    # One that was redriven is another one, whether or not it keeps its id; where it cannot be told, each receive is.
    first = message.first_received_at
    return message.message_id, message.receipt_handle if first is None else first
