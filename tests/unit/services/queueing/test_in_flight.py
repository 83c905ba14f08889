"""For how long a message is its worker's."""

from email.utils import formatdate

import pytest

from services.primitives.clock import Moment
from services.queueing.in_flight import InFlight, hidden_since
from services.queueing.message import ReceivedMessage
from tests.jumping_clock import JumpingClock

VISIBILITY_TIMEOUT = 30
WAIT_SECONDS = 20


def received(date: str = "") -> ReceivedMessage:
    return ReceivedMessage("id", "body", "handle", 1, 0, {}, date=date)


@pytest.fixture
def in_flight(jumping_clock: JumpingClock) -> InFlight:
    return InFlight(received(), VISIBILITY_TIMEOUT, jumping_clock.now(), jumping_clock.now)


@pytest.mark.parametrize("suspended_seconds", [0, 29, 30, 62])
def test_a_message_is_its_workers_for_the_visibility_timeout_after_the_last_sign_of_life(
    in_flight: InFlight, jumping_clock: JumpingClock, suspended_seconds: float
) -> None:
    jumping_clock.suspend(suspended_seconds)

    assert in_flight.is_ours is (suspended_seconds < VISIBILITY_TIMEOUT)
    assert in_flight.silent_seconds == suspended_seconds


def test_what_is_received_again_is_its_workers_again(in_flight: InFlight, jumping_clock: JumpingClock) -> None:
    jumping_clock.suspend(62)
    again = received()

    in_flight.received_again(again, jumping_clock.now())

    assert in_flight.is_ours
    assert in_flight.message is again


def test_what_was_purged_while_it_was_its_workers_can_come_to_nobody_else(
    in_flight: InFlight, jumping_clock: JumpingClock
) -> None:
    in_flight.is_gone = True
    jumping_clock.suspend(62)

    assert in_flight.is_ours


@pytest.mark.parametrize(
    ("poll_seconds", "given_seconds_ago", "is_hidden_since"),
    [
        (WAIT_SECONDS, 0, "now"),
        # The answer took its time, but not as long as SQS hides it.
        (VISIBILITY_TIMEOUT - 1, VISIBILITY_TIMEOUT - 1, "now"),
        (VISIBILITY_TIMEOUT, VISIBILITY_TIMEOUT, "asked"),
        # The machine was suspended with the poll under way, and the message came after it.
        (WAIT_SECONDS + 62, 0, "now"),
        (WAIT_SECONDS + 62, VISIBILITY_TIMEOUT - 1, "now"),
        # The answer lay waiting for this process to go on.
        (WAIT_SECONDS + 62, VISIBILITY_TIMEOUT, "asked"),
        (WAIT_SECONDS + 62, 62, "asked"),
        # It lay in a poll that was no longer than others.
        (WAIT_SECONDS, 3600, "now"),
    ],
)
def test_an_answer_that_lay_waiting_for_a_suspended_worker_is_as_old_as_its_poll(
    jumping_clock: JumpingClock, poll_seconds: float, given_seconds_ago: float, is_hidden_since: str
) -> None:
    asked_at = jumping_clock.now()
    jumping_clock.suspend(poll_seconds)
    message = received(formatdate(jumping_clock.now().wall - given_seconds_ago, usegmt=True))

    now = jumping_clock.now()
    moments: dict[str, Moment] = {"now": now, "asked": asked_at}
    assert hidden_since(message, asked_at, now, WAIT_SECONDS, VISIBILITY_TIMEOUT) == moments[is_hidden_since]


def test_an_answer_without_a_date_has_not_lain(jumping_clock: JumpingClock) -> None:
    asked_at = jumping_clock.now()
    jumping_clock.suspend(WAIT_SECONDS + 62)

    now = jumping_clock.now()
    assert hidden_since(received(), asked_at, now, WAIT_SECONDS, VISIBILITY_TIMEOUT) == now


def test_an_answer_that_took_no_longer_than_its_poll_may_is_not_judged_by_the_clock_of_sqs(
    jumping_clock: JumpingClock,
) -> None:
    asked_at = jumping_clock.now()
    date = formatdate(asked_at.wall - 3600, usegmt=True)
    jumping_clock.suspend(WAIT_SECONDS)

    now = jumping_clock.now()
    assert hidden_since(received(date), asked_at, now, WAIT_SECONDS, WAIT_SECONDS // 2) == now
