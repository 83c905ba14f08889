"""Polls a queue: when, for how many messages at a time, and what is done where SQS does not answer."""

import asyncio
import random
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from services.primitives.clock import Clock, Moment
from services.primitives.sqs_limits import MAX_RECEIVED_MESSAGES
from services.queueing.caution import Caution
from services.queueing.errors import UnusableBrokerError
from services.queueing.idle_rest import IdleRest
from services.queueing.message import ReceivedMessage, UnreadableMessageError
from services.queueing.polling import MAX_POLLS, ROOM_WAIT_SECONDS, messages_to_receive, rest_after
from services.queueing.queue import Queue
from services.queueing.settings import ConsumerSettings
from services.queueing.timing import jittered

log = structlog.get_logger(__name__)

OnReceived = Callable[[Sequence[ReceivedMessage], Moment], int]
"""Takes the messages that a poll has brought which was asked for then; returns how many are suspects (caution.py)."""

_FIRST_BACKOFF_SECONDS = 1.0
_LONGEST_BACKOFF_SECONDS = 30.0

# A long poll ends by itself. Longer than this after its time, SQS is silent.
_POLL_GRACE_SECONDS = 5.0
_ANSWER_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Poll:
    """A receive under way."""

    most: int
    """How many messages it may bring."""
    due_at: float
    """When it has ended if SQS answers, by the loop's clock."""


class Poller:
    """The polls of one consumer. It has no part in what becomes of a message."""

    def __init__(  # noqa: PLR0913  # all that a queue is polled with
        self,
        queue: Queue,
        settings: ConsumerSettings,
        caution: Caution,
        on_received: OnReceived,
        changed: asyncio.Event,
        *,
        clock: Clock,
        idle_rest: IdleRest | None = None,
    ) -> None:
        """`changed` is set where there may be something to poll for that there was not before.

        Without `idle_rest` there is always a poll under way, however long nothing has come.
        """
        self._queue = queue
        self._settings = settings
        self._caution = caution
        self._on_received = on_received
        self._changed = changed
        self._clock = clock
        self._idle_rest = idle_rest
        self._polls: dict[asyncio.Task[None], _Poll] = {}
        self._is_backlog = False
        self._has_waited = False
        self._waiting: asyncio.TimerHandle | None = None
        self._received_at: float | None = None
        self._due_since: float | None = None
        self._backoff_seconds = _FIRST_BACKOFF_SECONDS
        self._unusable: str | None = None
        self._unusable_until = 0.0
        self._left_alone: str | None = None
        self._left_alone_until = 0.0
        self.last_message_at = 0.0
        """When a message came last, by the loop's clock."""

    @property
    def reserved(self) -> int:
        """How many messages the polls under way may bring."""
        return sum(poll.most for poll in self._polls.values())

    @property
    def has_all_polls(self) -> bool:
        """Whether as many polls are under way as there may be: there is nothing that more room could be used for."""
        return len(self._polls) >= MAX_POLLS

    @property
    def seconds_since_receive(self) -> float | None:
        """How long ago a receive has succeeded, whatever it brought."""
        return None if self._received_at is None else now() - self._received_at

    def unready_reason(self) -> str | None:
        """Return why it does not receive, or not all, or None: the queue answered lately, or no receive is due."""
        if self._unusable:
            return f"{self._queue.name}: {self._unusable}"
        if self._left_alone and now() < self._left_alone_until:
            return f"{self._queue.name}: {self._left_alone}"
        if self._received_at is None:
            return f"{self._queue.name}: no successful receive yet"
        if self._due_since is None or (self._idle_rest is not None and self._idle_rest.is_under_way):
            return None
        # While the slots were busy, or it rested, none was due.
        age = now() - max(self._received_at, self._due_since)
        if age > 2 * self._settings.sqs_wait_time_seconds + 5:
            return f"{self._queue.name}: no receive has succeeded for {age:.0f} seconds"
        return None

    def poll_where_there_is_room(self, free: int, busy: int, stop: asyncio.Event) -> None:
        """Begin the polls that it is time for; `free` slots are not taken, nor reserved, and `busy` ones are."""
        slots, at = self._settings.worker_concurrency, now()
        # What nobody can work is received as seldom as can be: each receive counts.
        bound = min(self._caution.most_to_receive(busy, at), 1 if self._unusable else MAX_RECEIVED_MESSAGES)
        while most := messages_to_receive(
            free, slots, len(self._polls), bound, is_backlog=self._is_backlog, has_waited=self._has_waited
        ):
            free -= most
            self._has_waited = False
            poll = asyncio.create_task(self._poll(most, stop))
            self._polls[poll] = _Poll(most, at + self._settings.sqs_wait_time_seconds + _POLL_GRACE_SECONDS)
            poll.add_done_callback(self._poll_done)
        has_room = free > 0 and bound > 0
        if has_room and not self._polls and self._waiting is None:
            self._waiting = asyncio.get_running_loop().call_later(ROOM_WAIT_SECONDS, self._room_waited)
        is_due = has_room or bool(self._polls)
        self._due_since = (self._due_since or at) if is_due else None

    async def end(self, deadline: float) -> None:
        """Let the polls under way end by themselves, behind the deadline too if SQS answers; else leave them behind.

        A long poll that is cancelled can lose its messages.
        """
        if self._idle_rest is not None:
            self._idle_rest.end()
        due_at = max((poll.due_at for poll in self._polls.values()), default=0.0)
        await wait_for(self._polls, min(due_at, deadline))
        if self._polls and await self._answers():
            await wait_for(self._polls, due_at)
        if self._polls:
            log.warning("a receive is left behind: SQS does not answer", queue=self._queue.name)

    def cancel(self) -> None:
        """Cancel what is under way."""
        for poll in self._polls:
            poll.cancel()

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
            asked_at = self._clock()
            messages = await self._receive(most)
        except Exception as error:  # noqa: BLE001  # whatever it is, a consumer that ends is worse
            self._is_backlog = False
            await self._back_off(error, stop)
            return
        self._backoff_seconds = _FIRST_BACKOFF_SECONDS
        since_last_receive = self.seconds_since_receive
        self._received_at = now()
        self._is_backlog = len(messages) == most
        self._caution.received(len(messages), self._on_received(messages, asked_at))
        if messages or now() >= self._unusable_until:
            self._unusable = None
        if messages:
            self.last_message_at = now()
        elif self._idle_rest is not None:
            await self._idle_rest.take(self.last_message_at)
            self._due_since = now()
        if since_last_receive is not None and (rest := rest_after(len(messages), most, since_last_receive)):
            await asyncio.sleep(rest)

    async def _receive(self, most: int) -> list[ReceivedMessage]:
        """Receive, and note what cannot be read.

        Raises the first UnreadableMessageError where nothing can be that has come, and each receive counts.
        """
        unreadable: list[UnreadableMessageError] = []
        messages = await self._queue.receive(
            most,
            wait_seconds=self._settings.sqs_wait_time_seconds,
            visibility_timeout_seconds=self._settings.visibility_timeout_seconds,
            on_unreadable=unreadable.extend,
        )
        if unreadable and self._queue.definition.max_attempts is None:
            # No redrive policy takes it away: it is lost when its retention ends, unless somebody looks after it. It is
            # hidden for now, so that it keeps no other message waiting.
            self._left_alone = _describe_unreadable(unreadable[0])
            self._left_alone_until = self._back_at()
        elif unreadable and not messages:
            raise unreadable[0]
        return messages

    def _back_at(self) -> float:
        """Return when what is left alone now has come again, if it is there still."""
        return now() + self._settings.visibility_timeout_seconds + self._settings.sqs_wait_time_seconds

    async def _look_back(self) -> None:
        """Ask, before the first receive, what is in flight: a lost worker may have left it."""
        if not self._caution.must_look:
            return
        in_flight = await self._queue.in_flight()
        # Where the broker does not say it, there may be some.
        seconds = self._caution.looked(1 if in_flight is None else in_flight, now())
        if seconds:
            count = "unknown" if in_flight is None else in_flight
            log.info("began with care: messages are in flight", queue=self._queue.name, in_flight=count)
            asyncio.get_running_loop().call_later(seconds, self._changed.set)

    async def _back_off(self, error: Exception, stop: asyncio.Event) -> None:
        wait = jittered(self._backoff_seconds, random.random())  # noqa: S311  # jitter
        self._backoff_seconds = min(2 * self._backoff_seconds, _LONGEST_BACKOFF_SECONDS)
        match error:
            case UnusableBrokerError():
                if str(error) != self._unusable:
                    log.error("the broker cannot be used", queue=self._queue.name, reason=str(error))
                self._note_unusable(str(error))
            case UnreadableMessageError():
                self._note_unusable(_describe_unreadable(error))
            case _:
                if self._unusable:
                    self._unusable = f"the last receive failed: {error!r}"
                    self._unusable_until = now()
                log.warning(
                    "receive failed", queue=self._queue.name, error=repr(error), retry_in_seconds=round(wait, 1)
                )
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await stop.wait()

    def _note_unusable(self, reason: str) -> None:
        """Note why nothing that came can be worked; it is asked again, as the broker may be replaced by another one.

        A receive that brings nothing says otherwise only when the messages that were left alone would be back.
        """
        self._unusable = reason
        self._unusable_until = self._back_at()

    async def _answers(self) -> bool:
        with suppress(Exception):
            async with asyncio.timeout(_ANSWER_SECONDS):
                await self._queue.in_flight()
                return True
        return False


def _describe_unreadable(error: UnreadableMessageError) -> str:
    named = f"the message {error.message_id}" if error.message_id else "a message without an id"
    return f"what came cannot be read, and is left to SQS: {named}: {error}"


def now() -> float:
    """Return the time of the loop's clock."""
    return asyncio.get_running_loop().time()


async def wait_for(tasks: Collection[asyncio.Task[None]], deadline: float) -> None:
    """Wait until the tasks have ended, or the loop's clock has reached the deadline."""
    if tasks:
        seconds = deadline - now()
        await asyncio.wait(tasks, timeout=max(0.0, seconds))
