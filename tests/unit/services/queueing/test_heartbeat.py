"""For which messages the heartbeat beats, and when it is over."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import cast

import pytest
from structlog.testing import capture_logs

from services.queueing.errors import MessageGoneError
from services.queueing.heartbeat import Heartbeat
from services.queueing.in_flight import InFlight
from services.queueing.message import ReceivedMessage
from services.queueing.queue import Queue
from services.telemetry import log_context
from tests.jumping_clock import JumpingClock
from tests.virtual_time import in_virtual_time

VISIBILITY_TIMEOUT = 60


class BeatenQueue:
    """Notes each beat, does as it is told at one, and holds it back until it is let through."""

    def __init__(self) -> None:
        self.beats: asyncio.Queue[str] = asyncio.Queue()
        self.when_beaten: Callable[[], None] = lambda: None
        self.let_through = asyncio.Event()

    async def change_visibility(self, message: ReceivedMessage, _timeout_seconds: int) -> None:
        self.beats.put_nowait(message.message_id)
        self.when_beaten()
        await self.let_through.wait()


InFlightOf = Callable[[str], InFlight]


@pytest.fixture
def in_flight(jumping_clock: JumpingClock) -> InFlightOf:
    """Makes a message of an id, received now."""

    def received(message_id: str) -> InFlight:
        message = ReceivedMessage(message_id, "", "", 1, 0, {})
        return InFlight(message, VISIBILITY_TIMEOUT, jumping_clock.now(), jumping_clock.now)

    return received


@pytest.fixture
def queue() -> BeatenQueue:
    return BeatenQueue()


@pytest.fixture
async def heartbeat(queue: BeatenQueue, jumping_clock: JumpingClock) -> AsyncIterator[Heartbeat]:
    beating = Heartbeat(
        cast(Queue, queue),
        interval_seconds=0.001,
        visibility_timeout_seconds=VISIBILITY_TIMEOUT,
        clock=jumping_clock.now,
    )
    task = asyncio.create_task(beating.run())
    yield beating
    task.cancel()


async def test_it_beats_for_what_is_held_and_for_nothing_that_was_let_go(
    queue: BeatenQueue, heartbeat: Heartbeat, in_flight: InFlightOf
) -> None:
    queue.let_through.set()
    kept, released = in_flight("kept"), in_flight("released")
    heartbeat.hold(kept)
    heartbeat.hold(released)
    assert {await queue.beats.get(), await queue.beats.get()} == {"kept", "released"}

    await heartbeat.let_go(released)
    while not queue.beats.empty():
        queue.beats.get_nowait()

    assert [await queue.beats.get() for _ in range(5)] == ["kept"] * 5


async def test_it_beats_in_the_order_in_which_messages_came(
    queue: BeatenQueue, heartbeat: Heartbeat, in_flight: InFlightOf
) -> None:
    message_ids = [f"message-{number}" for number in range(50)]
    for message_id in message_ids:
        heartbeat.hold(in_flight(message_id))

    assert [await queue.beats.get() for _ in message_ids] == message_ids


async def test_a_beat_that_fails_is_logged_with_its_task(
    queue: BeatenQueue, heartbeat: Heartbeat, in_flight: InFlightOf
) -> None:
    def fail() -> None:
        raise ConnectionError("away")

    queue.when_beaten = fail
    message = in_flight("message")
    message.context.run(log_context.bind, task_id="task-1")

    with capture_logs([log_context.merge]) as lines:
        heartbeat.hold(message)
        # It is logged before the next one.
        assert [await queue.beats.get() for _ in range(2)] == ["message"] * 2

    failed = {"event": "heartbeat failed", "log_level": "warning", "error": "ConnectionError('away')"}
    assert lines[0] == {**failed, "task_id": "task-1"}


async def test_who_lets_go_waits_for_the_beat_under_way_and_no_other_follows(
    queue: BeatenQueue, heartbeat: Heartbeat, in_flight: InFlightOf
) -> None:
    message = in_flight("message")
    heartbeat.hold(message)
    await queue.beats.get()

    letting_go = asyncio.create_task(heartbeat.let_go(message))
    other = in_flight("other")
    heartbeat.hold(other)
    assert await queue.beats.get() == "other"
    assert not letting_go.done()

    queue.let_through.set()
    await letting_go
    assert {await queue.beats.get() for _ in range(3)} == {"other"}


async def test_a_beat_is_a_sign_of_life_from_when_it_was_sent(
    queue: BeatenQueue, jumping_clock: JumpingClock, heartbeat: Heartbeat, in_flight: InFlightOf
) -> None:
    message = in_flight("message")
    jumping_clock.suspend(30)
    heartbeat.hold(message)
    await queue.beats.get()
    jumping_clock.suspend(20)

    queue.let_through.set()
    await heartbeat.let_go(message)

    assert message.silent_seconds == 20


async def test_a_beat_that_comes_too_late_is_no_sign_of_life_whatever_sqs_answers(
    queue: BeatenQueue, jumping_clock: JumpingClock, heartbeat: Heartbeat, in_flight: InFlightOf
) -> None:
    message = in_flight("message")
    heartbeat.hold(message)
    await queue.beats.get()
    jumping_clock.suspend(VISIBILITY_TIMEOUT)

    queue.let_through.set()
    await heartbeat.let_go(message)

    assert not message.is_ours


async def test_it_beats_for_no_message_that_others_may_have_until_it_is_received_again(
    queue: BeatenQueue, jumping_clock: JumpingClock, heartbeat: Heartbeat, in_flight: InFlightOf
) -> None:
    queue.let_through.set()
    lost = in_flight("lost")
    jumping_clock.suspend(VISIBILITY_TIMEOUT)
    heartbeat.hold(lost)
    heartbeat.hold(in_flight("other"))
    assert {await queue.beats.get() for _ in range(5)} == {"other"}

    lost.received_again(lost.message, jumping_clock.now())

    while await queue.beats.get() != "lost":
        pass


@pytest.mark.parametrize("suspended_seconds", [0, VISIBILITY_TIMEOUT])
async def test_what_sqs_does_not_know_any_more_is_nobody_elses_where_it_was_asked_in_time(
    queue: BeatenQueue,
    jumping_clock: JumpingClock,
    heartbeat: Heartbeat,
    in_flight: InFlightOf,
    suspended_seconds: float,
) -> None:
    def refuse() -> None:
        jumping_clock.suspend(suspended_seconds)
        raise MessageGoneError("MessageNotInflight", "no")

    queue.when_beaten = refuse
    message = in_flight("message")
    heartbeat.hold(message)
    await queue.beats.get()
    await heartbeat.let_go(message)
    jumping_clock.suspend(10 * VISIBILITY_TIMEOUT)

    assert message.is_ours is (suspended_seconds == 0)


@in_virtual_time
async def test_it_beats_soon_after_a_suspend_in_which_the_timers_of_the_loop_stood_still(
    queue: BeatenQueue, jumping_clock: JumpingClock, in_flight: InFlightOf
) -> None:
    hours = 10 * 3600
    heartbeat = Heartbeat(
        cast(Queue, queue), interval_seconds=hours, visibility_timeout_seconds=2 * hours, clock=jumping_clock.now
    )
    heartbeat.hold(replace(in_flight("message"), visibility_timeout_seconds=2 * hours))
    beating = asyncio.create_task(heartbeat.run())
    await asyncio.sleep(0)

    jumping_clock.suspend(hours)

    assert await queue.beats.get() == "message"
    assert asyncio.get_running_loop().time() == 1
    beating.cancel()
