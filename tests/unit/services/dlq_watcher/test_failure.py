"""Why a message is dead, as it is read from what was left on it."""

import pytest

from services.dlq_watcher.failure import Failure, read_failure
from services.sqs import ReceivedMessage

WORKER_LOST = "the worker was lost in mid-task (killed, out of memory, or its machine gone)"


def dead(attributes: dict[str, str]) -> ReceivedMessage:
    return ReceivedMessage("id", "{}", "handle", receive_count=1, sent_at=0, attributes=attributes)


@pytest.mark.parametrize(
    ("attributes", "failure"),
    [
        ({"reason": "no", "attempts": "2"}, Failure("no", 2)),
        ({}, Failure(WORKER_LOST, 3)),
        ({"attempts": "2"}, Failure(WORKER_LOST, 3)),
        ({"reason": "no"}, Failure("no", 3)),
        ({"reason": "no", "attempts": "many"}, Failure("no", 3)),
        ({"reason": "no", "attempts": "\u00b2"}, Failure("no", 3)),
        ({"reason": "no", "attempts": "-1"}, Failure("no", 3)),
    ],
)
def test_the_failure_of_a_dead_message(attributes: dict[str, str], failure: Failure) -> None:
    assert read_failure(dead(attributes), max_attempts=3) == failure


@pytest.mark.parametrize(
    ("attempts", "details"),
    [(1, "no (failed for good after 1 attempt)"), (3, "no (failed for good after 3 attempts)")],
)
def test_the_details_say_the_reason_and_the_attempts(attempts: int, details: str) -> None:
    assert Failure("no", attempts).details == details


def test_a_further_reason_is_added_once() -> None:
    failure = Failure("no", 1).with_reason("and this")

    assert failure == Failure("no; and this", 1)
    assert failure.with_reason("and this") == failure
