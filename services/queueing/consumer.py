"""Consumes a queue: takes a slot for each message that its poller brings, keeps it hidden, and sees it settled."""

import asyncio
import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import structlog

from services.primitives.clock import Clock, Moment, this_moment
from services.primitives.sqs_limits import MAX_BATCH_ENTRIES
from services.queueing.attempt import MessageHandler
from services.queueing.caution import Caution
from services.queueing.decisions import RetryPolicy
from services.queueing.heartbeat import Heartbeat
from services.queueing.idle_rest import IdleRest
from services.queueing.in_flight import InFlight, hidden_since
from services.queueing.message import ReceivedMessage
from services.queueing.message_work import MessageWork
from services.queueing.metrics import ConsumerMetrics
from services.queueing.poller import Poller, now, wait_for
from services.queueing.queue import Queue
from services.queueing.retrying import SQS_RETRY_WAITS_SECONDS
from services.queueing.settings import ConsumerSettings
from services.queueing.slots import Slots

log = structlog.get_logger(__name__)

# So long a decision of a stopping consumer's last moment may take to reach SQS.
_SETTLE_SECONDS = 5.0
_END_SECONDS = 1.0

_MOST_LISTED = 100


class Consumer:
    """Receives no more messages than it has free slots, and drains what it has in flight when asked to stop.

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
        task_id_of: Callable[[str], str | None] = lambda _body: None,
        retry_waits_seconds: Sequence[float] = SQS_RETRY_WAITS_SECONDS,
        clock: Clock = this_moment,
        idle_rest: IdleRest | None = None,
    ) -> None:
        """Without `caution` it takes all that it has room for, whatever became of the worker before it.

        `task_id_of` finds the id of a task in the body of its message, for those who look at the work.

        `retry_waits_seconds`: between the tries of a call on SQS that fails.

        `clock`: by which it is told for how long SQS has hidden a message.

        `idle_rest`: for a queue to which nobody but this process sends (see idle_rest.py).
        """
        self._queue = queue
        self._task_id_of = task_id_of
        self._settings = settings
        self._clock = clock
        caution = caution or Caution()
        self._changed = asyncio.Event()
        self._slots = Slots(settings.worker_concurrency, on_freed=self._room_made)
        self._poller = Poller(queue, settings, caution, self._take_all, self._changed, clock=clock, idle_rest=idle_rest)
        self._heartbeat = Heartbeat(
            queue,
            interval_seconds=settings.heartbeat_seconds,
            visibility_timeout_seconds=settings.visibility_timeout_seconds,
            clock=clock,
        )
        self._work = MessageWork(
            queue, dead_letter_queue, handler, policy, self._heartbeat, self._slots, caution, retry_waits_seconds
        )
        self._in_flight: dict[str, InFlight] = {}
        self._tasks: dict[asyncio.Task[None], InFlight] = {}
        self._metrics = ConsumerMetrics(queue.definition.name, self._slots)

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set."""
        heartbeat = asyncio.create_task(self._heartbeat.run())
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _task: self._changed.set())
        try:
            while not stop.is_set():
                self._changed.clear()
                self._poller.poll_where_there_is_room(self._free_slots(), self._slots.taken, stop)
                await self._changed.wait()
            await self._drain()
        finally:
            heartbeat.cancel()
            stopping.cancel()
            self._poller.cancel()

    def unready_reason(self) -> str | None:
        """Return why this consumer does not work, or None."""
        if self._slots.left_running >= self._slots.total:
            return f"{self._queue.name}: every slot is held by a task that ignored its timeout and is still running"
        return self._poller.unready_reason()

    def describe_work(self) -> dict[str, Any]:
        """Return, as JSON, how busy it is and the messages that it has in flight, the oldest of them."""
        return {
            "queue": self._queue.definition.name,
            "slots": self._slots.total,
            "busy": self._slots.taken,
            "left_running": self._slots.left_running,
            "last_receive_seconds_ago": self._poller.seconds_since_receive,
            "in_flight": [self._describe(each) for each in islice(self._in_flight.values(), _MOST_LISTED)],
        }

    def _describe(self, in_flight: InFlight) -> dict[str, Any]:
        return {"task_id": self._task_id_of(in_flight.message.body), **in_flight.describe()}

    def _free_slots(self) -> int:
        # Where SQS does not take what was decided, no more is begun than can be held meanwhile; deletes that wait for a
        # batch keep nothing from being begun.
        taken = max(self._slots.taken, len(self._tasks) - max(self._slots.total, MAX_BATCH_ENTRIES))
        return max(0, self._slots.total - taken - self._poller.reserved)

    def _take_all(self, messages: Sequence[ReceivedMessage], asked_at: Moment) -> int:
        return [self._take(message, asked_at) for message in messages].count(True)

    def _take(self, message: ReceivedMessage, asked_at: Moment) -> bool:
        """Work the message; return whether it is a suspect (see caution.py)."""
        visibility_timeout = self._settings.visibility_timeout_seconds
        wait = self._settings.sqs_wait_time_seconds
        hidden_at = hidden_since(message, asked_at, self._clock(), wait, visibility_timeout)
        in_flight = self._in_flight.get(message.message_id)
        if in_flight is not None:
            in_flight.received_again(message, hidden_at)
            self._work.received_again(in_flight)
            return False
        in_flight = InFlight(
            message, visibility_timeout, hidden_at, self._clock, is_suspect=self._work.is_suspect(message)
        )
        self._in_flight[message.message_id] = in_flight
        self._metrics.received(message)
        task = self._work.begin(in_flight, on_let_go=lambda: self._in_flight.pop(message.message_id))
        self._tasks[task] = in_flight
        task.add_done_callback(self._work_done)
        return in_flight.is_suspect

    def _work_done(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        self._room_made()

    def _room_made(self) -> None:
        if not self._poller.has_all_polls:
            self._changed.set()

    async def _drain(self) -> None:
        """Finish what is in flight, and be done in time, whether SQS answers or not.

        What is in flight, and what the last long poll still brings, gets the whole of the drain's time.
        """
        begun_at = now()
        self._queue.settle_at_once()
        if self._tasks:
            log.info("draining", queue=self._queue.name, in_flight=len(self._tasks))
        await self._poller.end(begun_at + self._settings.drain_timeout_seconds)
        deadline = max(begun_at, self._poller.last_message_at) + self._settings.drain_timeout_seconds
        await wait_for(self._tasks, deadline)
        if self._tasks:
            await self._cut_short()

    async def _cut_short(self) -> None:
        """End the attempts that are not done, and give a moment to what was decided in the last one."""
        self._work.cut_short()
        long_ago = time.monotonic() - _SETTLE_SECONDS
        for task, in_flight in self._tasks.items():
            if in_flight.settling_since is not None and in_flight.settling_since < long_ago:
                task.cancel()
        at = now()
        await wait_for(self._tasks, at + _SETTLE_SECONDS)
        for task in self._tasks:
            task.cancel()
        await wait_for(self._tasks, at + _SETTLE_SECONDS + _END_SECONDS)
