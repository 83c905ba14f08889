"""What becomes of a message after an attempt that failed."""

import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import PermanentError, RetryLaterError
from services.primitives.sqs_limits import LONGEST_VISIBILITY_TIMEOUT_SECONDS
from services.queueing.decisions import LONGEST_RETRY_SECONDS, DeadLetter, Retry, RetryPolicy, decide_after_failure
from services.queueing.timing import JITTER

NO_JITTER = 0.5
THREE_ATTEMPTS = RetryPolicy(3, (10, 20))
ENDLESS = RetryPolicy(None, (10, 20))

attempts = st.integers(1, 1000)
chances = st.floats(0, 1)
waits = st.lists(st.floats(0, LONGEST_VISIBILITY_TIMEOUT_SECONDS), min_size=1, max_size=10).map(tuple)
errors = st.one_of(
    st.builds(ValueError, st.text()),
    st.builds(TimeoutError),
    st.builds(RetryLaterError, st.text(), st.none() | st.floats(0, 1e300)),
)


@pytest.mark.parametrize(
    ("error", "attempt", "policy", "decision"),
    [
        (ValueError("no"), 1, THREE_ATTEMPTS, Retry(10, "ValueError: no")),
        (ValueError("no"), 2, THREE_ATTEMPTS, Retry(20, "ValueError: no")),
        (ValueError("no"), 3, THREE_ATTEMPTS, DeadLetter("ValueError: no", 3)),
        (ValueError("no"), 4, THREE_ATTEMPTS, DeadLetter("ValueError: no", 4)),
        (TimeoutError(), 3, THREE_ATTEMPTS, DeadLetter("TimeoutError", 3)),
        (ValueError("no"), 1, RetryPolicy(1, (10,)), DeadLetter("ValueError: no", 1)),
        (PermanentError("garbage"), 1, THREE_ATTEMPTS, DeadLetter("garbage", 1)),
        (PermanentError("garbage"), 1, ENDLESS, DeadLetter("garbage", 1)),
        (PermanentError("reported", attempts=3), 1, ENDLESS, DeadLetter("reported", 3)),
        (ValueError("no"), 100, ENDLESS, Retry(20, "ValueError: no")),
        (RetryLaterError("busy"), 1, THREE_ATTEMPTS, Retry(10, "busy")),
        (RetryLaterError("busy"), 1, RetryPolicy(3, (0,)), Retry(0, "busy")),
        (RetryLaterError("busy", 5), 1, THREE_ATTEMPTS, Retry(10, "busy")),
        (RetryLaterError("busy", 90), 1, THREE_ATTEMPTS, Retry(90, "busy")),
        (RetryLaterError("busy", 90.4), 1, THREE_ATTEMPTS, Retry(91, "busy")),
        (RetryLaterError("busy", 1e9), 1, THREE_ATTEMPTS, Retry(LONGEST_RETRY_SECONDS, "busy")),
        (RetryLaterError("busy", 90), 3, THREE_ATTEMPTS, DeadLetter("busy", 3)),
    ],
)
def test_what_becomes_of_a_message_after_a_failed_attempt(
    error: Exception, attempt: int, policy: RetryPolicy, decision: Retry | DeadLetter
) -> None:
    earlier = dict.fromkeys(range(1, attempt), decision.reason)

    assert decide_after_failure(error, attempt, policy, NO_JITTER, earlier) == decision


def test_a_message_that_is_given_up_has_the_reason_of_each_attempt() -> None:
    decision = decide_after_failure(KeyError("c"), 3, THREE_ATTEMPTS, NO_JITTER, {1: "ValueError: a", 2: "b"})

    assert decision == DeadLetter("attempt 3: KeyError: 'c'; attempt 2: b; attempt 1: ValueError: a", 3)


def test_the_trace_of_an_exception_is_kept_apart_from_its_reason() -> None:
    with pytest.raises(ValueError, match="no") as info:
        raise ValueError("no")
    raised = info.value
    decision = decide_after_failure(raised, 3, THREE_ATTEMPTS, NO_JITTER, {1: "ValueError: no", 2: "ValueError: no"})

    assert isinstance(decision, DeadLetter)
    assert decision.reason == "ValueError: no"
    assert decision.trace == "".join(traceback.format_exception(raised))


def test_an_error_that_has_no_text_is_named_by_its_type() -> None:
    class ShyError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    decision = decide_after_failure(ShyError(), 3, THREE_ATTEMPTS, NO_JITTER, {})

    assert isinstance(decision, DeadLetter)
    assert "ShyError: its text cannot be had (RuntimeError)" in decision.reason


def test_a_sentence_of_our_own_has_no_trace() -> None:
    decision = decide_after_failure(PermanentError("garbage"), 1, THREE_ATTEMPTS, NO_JITTER, {})

    assert isinstance(decision, DeadLetter)
    assert decision.trace == ""


@given(errors, st.integers(1, 50), st.integers(0, 50), waits, chances)
def test_a_message_is_never_retried_once_its_attempts_are_used_up(
    error: Exception, max_attempts: int, beyond: int, waits: tuple[float, ...], chance: float
) -> None:
    decision = decide_after_failure(error, max_attempts + beyond, RetryPolicy(max_attempts, waits), chance, {})

    assert isinstance(decision, DeadLetter)


@given(errors, attempts, waits, chances)
def test_without_a_limit_of_attempts_only_a_permanent_error_gives_up(
    error: Exception, attempt: int, waits: tuple[float, ...], chance: float
) -> None:
    policy = RetryPolicy(None, waits)

    assert isinstance(decide_after_failure(error, attempt, policy, chance, {}), Retry)
    assert isinstance(decide_after_failure(PermanentError("no"), attempt, policy, chance, {}), DeadLetter)


@given(st.integers(1, 20), waits, chances)
def test_the_wait_stays_within_its_jitter(attempt: int, waits: tuple[float, ...], chance: float) -> None:
    wait = waits[min(attempt, len(waits)) - 1]

    decision = decide_after_failure(ValueError("no"), attempt, RetryPolicy(None, waits), chance, {})

    assert isinstance(decision, Retry)
    assert min(wait * (1 - JITTER), LONGEST_RETRY_SECONDS) <= decision.after_seconds <= wait * (1 + JITTER) + 1


@given(st.floats(0, 1e300), attempts, waits, chances)
def test_a_message_never_returns_before_the_time_that_was_asked_for_as_far_as_sqs_can_wait(
    asked: float, attempt: int, waits: tuple[float, ...], chance: float
) -> None:
    decision = decide_after_failure(RetryLaterError("busy", asked), attempt, RetryPolicy(None, waits), chance, {})

    assert isinstance(decision, Retry)
    assert decision.after_seconds >= min(asked, LONGEST_RETRY_SECONDS)
    assert decision.after_seconds < LONGEST_VISIBILITY_TIMEOUT_SECONDS


@pytest.mark.parametrize(
    ("arguments", "policy"),
    [
        ({"max_attempts": 5, "first_seconds": 5}, RetryPolicy(5, (5, 10, 20, 40))),
        ({"max_attempts": 5, "first_seconds": 5, "longest_seconds": 12}, RetryPolicy(5, (5, 10, 12, 12))),
        ({"max_attempts": 1, "first_seconds": 5}, RetryPolicy(1, (5,))),
        ({"max_attempts": 3, "first_seconds": 0}, RetryPolicy(3, (0, 0))),
        ({"max_attempts": 4, "first_seconds": 1000}, RetryPolicy(4, (1000, 2000, 3600))),
    ],
)
def test_an_exponential_policy_doubles_the_wait(arguments: dict[str, Any], policy: RetryPolicy) -> None:
    assert RetryPolicy.exponential(**arguments) == policy


def test_an_exponential_policy_without_a_limit_reaches_its_longest_wait_and_keeps_it() -> None:
    policy = RetryPolicy.exponential(None, first_seconds=5, longest_seconds=300)

    assert policy.max_attempts is None
    assert [policy.wait_after(attempt) for attempt in (1, 2, 3, 100, 10_000)] == [5, 10, 20, 300, 300]
