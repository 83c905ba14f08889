"""Why a message is dead, as it is read from what was left on it."""

import pytest

from services.queueing.dead_letter import Failure, read_failure
from tests.unit.services.dlq_watcher.conftest import dead

NOT_REPORTED = (
    "no worker reported back: whether it was begun is not known"
    " (a worker may have been killed or suspended, its broker silent, or something else have received it)"
)
RECEIVED_THREE_TIMES = Failure(f"received 3 times, and {NOT_REPORTED}", 3, is_reported=False)


@pytest.mark.parametrize(
    ("attributes", "failure"),
    [
        ({"reason": "no", "attempts": "2"}, Failure("no", 2)),
        ({"reason": "no", "attempts": "2", "trace": "in line 1"}, Failure("no", 2, "in line 1")),
        ({}, RECEIVED_THREE_TIMES),
        ({"attempts": "2"}, RECEIVED_THREE_TIMES),
        ({"reason": "no"}, Failure("no", 3)),
        ({"reason": "no", "attempts": "many"}, Failure("no", 3)),
        ({"reason": "no", "attempts": "\u00b2"}, Failure("no", 3)),
        ({"reason": "no", "attempts": "-1"}, Failure("no", 3)),
        ({"reason": "no", "attempts": "\u0662"}, Failure("no", 3)),
        ({"reason": "no", "attempts": "1" * 5000}, Failure("no", 3)),
    ],
)
def test_the_failure_of_a_dead_message(attributes: dict[str, str], failure: Failure) -> None:
    assert read_failure(dead(attributes=attributes), max_attempts=3) == failure


def test_where_sqs_moved_the_message_nobody_reported_back_whatever_an_earlier_life_left_on_it() -> None:
    message = dead(
        attributes={"reason": "no", "attempts": "2", "trace": "in line 1"}, dead_letter_source_arn="arn:aws:sqs:::data"
    )

    assert read_failure(message, max_attempts=3) == RECEIVED_THREE_TIMES


@pytest.mark.parametrize(
    ("attempts", "details"),
    [(1, "no (failed for good after 1 attempt)"), (3, "no (failed for good after 3 attempts)")],
)
def test_the_details_say_the_reason_and_the_attempts_and_have_no_trace(attempts: int, details: str) -> None:
    assert Failure("no", attempts, "in line 1").details == details


@pytest.mark.parametrize(("receives", "count"), [(1, "received once"), (3, "received 3 times")])
def test_where_nobody_reported_back_no_attempt_is_claimed(receives: int, count: str) -> None:
    failure = read_failure(dead(attributes={}), max_attempts=receives)

    assert failure.details == f"{count}, and {NOT_REPORTED} (failed for good)"
    assert failure.attempts_known == "not known"
    assert Failure("no", 3).attempts_known == "3"


def test_a_further_reason_is_added_once() -> None:
    failure = Failure("no", 1, "in line 1").with_reason("and this")

    assert failure == Failure("no; and this", 1, "in line 1")
    assert failure.with_reason("and this") == failure
