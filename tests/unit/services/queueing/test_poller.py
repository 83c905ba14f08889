"""What a poller makes of receives that bring nothing that can be worked, and for how long it says so."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from services.primitives.clock import this_moment
from services.queueing.caution import Caution
from services.queueing.definition import QueueDefinition
from services.queueing.message import ReceivedMessage
from services.queueing.message_reader import MessageReader, OnUnreadable, ignore_unreadable
from services.queueing.poller import Poller
from services.queueing.queue import Queue
from services.worker.settings import WorkerSettings
from tests.unit.services.queueing.test_message_reader import DEFINITION, message
from tests.virtual_time import in_virtual_time

SETTINGS = WorkerSettings.model_construct()
RETURN_SECONDS = SETTINGS.visibility_timeout_seconds + SETTINGS.sqs_wait_time_seconds
ROUND_TRIP_SECONDS = 0.01
DLQ = QueueDefinition("q-dlq", "dlq_watcher", None, "undelivered", "q", 345_600)


class ScriptedQueue:
    """A queue that answers each receive with what `answer` returns, and waits where that is nothing."""

    name = "q"

    def __init__(self, definition: QueueDefinition = DEFINITION) -> None:
        self.definition = definition
        self.answer: Callable[[], Sequence[Any]] = list
        self.asked_for: list[int] = []
        self._reader = MessageReader(self.name)

    async def receive(
        self, most: int, *, wait_seconds: int, on_unreadable: OnUnreadable = ignore_unreadable, **_options: Any
    ) -> list[ReceivedMessage]:
        self.asked_for.append(most)
        await asyncio.sleep(ROUND_TRIP_SECONDS)
        answer = self.answer()
        if not answer:
            await asyncio.sleep(wait_seconds)
        return self._reader.read(cast("Any", answer), "", on_unreadable)

    def gives(self, *received: Any) -> None:
        """Answer one receive with these messages, and each one after it with nothing."""
        answers = [list(received)]
        self.answer = lambda: answers.pop() if answers else []

    def fails(self, error: Exception) -> None:
        def answer() -> Sequence[Any]:
            raise error

        self.answer = answer


@asynccontextmanager
async def polling(queue: ScriptedQueue) -> AsyncIterator[Poller]:
    changed = asyncio.Event()
    poller = Poller(cast(Queue, queue), SETTINGS, Caution(), lambda _messages, _at: 0, changed, clock=this_moment)

    async def poll() -> None:
        while True:
            changed.clear()
            poller.poll_where_there_is_room(SETTINGS.worker_concurrency, 0, asyncio.Event())
            await changed.wait()

    polls = asyncio.create_task(poll())
    try:
        yield poller
    finally:
        polls.cancel()
        poller.cancel()


def uncounted(number: int) -> dict[str, Any]:
    return message(number, Attributes=None)


@in_virtual_time
async def test_a_broker_that_counted_no_receives_is_believed_when_what_was_left_alone_does_not_come_again() -> None:
    queue = ScriptedQueue()
    queue.gives(uncounted(1), uncounted(2))

    async with polling(queue) as poller:
        await asyncio.sleep(RETURN_SECONDS - 1)
        assert "gives no ApproximateReceiveCount" in str(poller.unready_reason())

        await asyncio.sleep(2 * SETTINGS.sqs_wait_time_seconds)
        assert poller.unready_reason() is None


@in_virtual_time
async def test_of_two_errors_the_later_one_is_the_reason_why_it_is_not_ready() -> None:
    queue = ScriptedQueue()
    queue.gives(uncounted(1), uncounted(2))

    async with polling(queue) as poller:
        await asyncio.sleep(1)
        queue.fails(ConnectionError("away"))
        await asyncio.sleep(RETURN_SECONDS)

        assert poller.unready_reason() == "q: the last receive failed: ConnectionError('away')"


@in_virtual_time
async def test_one_message_without_a_receive_count_does_not_condemn_its_broker() -> None:
    queue = ScriptedQueue()
    queue.gives(uncounted(1))

    async with polling(queue) as poller:
        await asyncio.sleep(1)
        assert "the message 1: it has no ApproximateReceiveCount" in str(poller.unready_reason())

        queue.gives(uncounted(2))
        await asyncio.sleep(RETURN_SECONDS)
        assert "gives no ApproximateReceiveCount" in str(poller.unready_reason())


UNREADABLE = "q: what came cannot be read, and is left to SQS: the message 1: it has no Body"


@in_virtual_time
async def test_a_backlog_of_which_nothing_can_be_read_is_received_seldom_and_one_by_one_and_said_to_be_so() -> None:
    queue = ScriptedQueue()
    queue.answer = lambda: [message(number, Body=None) for number in range(1, 11)]

    async with polling(queue) as poller:
        await asyncio.sleep(600)
        assert poller.unready_reason() == UNREADABLE
        assert queue.asked_for[:2] == [10, 1]
        # About every half a minute, the longest that it backs off for.
        assert len(queue.asked_for) < 40

        queue.answer = lambda: [message(20)]
        await asyncio.sleep(60)
        assert poller.unready_reason() is None
        assert queue.asked_for[-1] == 10


@in_virtual_time
async def test_a_worker_whose_broker_was_away_for_a_moment_after_it_could_not_be_used_is_ready_at_the_next_answer() -> (
    None
):
    queue = ScriptedQueue()
    queue.gives(uncounted(1), uncounted(2))

    async with polling(queue) as poller:
        await asyncio.sleep(0.1)
        queue.fails(ConnectionError("away"))
        await asyncio.sleep(4)
        assert "the last receive failed" in str(poller.unready_reason())

        queue.gives()
        await asyncio.sleep(2 * SETTINGS.sqs_wait_time_seconds)
        assert poller.unready_reason() is None


@in_virtual_time
async def test_dead_messages_that_cannot_be_read_keep_no_other_waiting() -> None:
    queue = ScriptedQueue(DLQ)
    queue.answer = lambda: [message(number, Body=None) for number in range(1, 11)]

    async with polling(queue) as poller:
        await asyncio.sleep(1)
        assert poller.unready_reason() == UNREADABLE
        assert len(queue.asked_for) > 2
        assert set(queue.asked_for) == {10}


@in_virtual_time
async def test_a_message_that_cannot_be_read_leaves_a_worker_ready_that_can_read_others_of_its_batch() -> None:
    queue = ScriptedQueue()
    queue.gives(message(1, Body=None), message(2))

    async with polling(queue) as poller:
        await asyncio.sleep(2)
        assert poller.unready_reason() is None


@in_virtual_time
async def test_a_dead_message_that_cannot_be_read_is_said_to_be_there_until_it_comes_no_more() -> None:
    queue = ScriptedQueue(DLQ)
    queue.gives(message(1, Body=None), message(2))

    async with polling(queue) as poller:
        await asyncio.sleep(RETURN_SECONDS - 1)
        assert poller.unready_reason() == UNREADABLE
        # Others are worked no slower for that.
        assert set(queue.asked_for) == {10}

        await asyncio.sleep(2)
        assert poller.unready_reason() is None
