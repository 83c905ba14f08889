"""What is known of the failed attempts at a message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.queueing.attempt_history import NOT_KNOWN, AttemptHistory, describe_attempts

reasons = st.dictionaries(st.integers(1, 40), st.text(min_size=1))


@pytest.mark.parametrize(
    ("known", "attempts", "description"),
    [
        ({1: "a"}, 1, "a"),
        ({1: "a", 2: "a", 3: "a"}, 3, "a"),
        ({1: "a", 2: "b", 3: "c"}, 3, "attempt 3: c; attempt 2: b; attempt 1: a"),
        ({1: "a", 2: "a", 3: "b"}, 3, "attempt 3: b; attempts 1 to 2: a"),
        ({3: "b"}, 3, f"attempt 3: b; attempts 1 to 2: {NOT_KNOWN}"),
        ({1: "a", 3: "b"}, 3, f"attempt 3: b; attempt 2: {NOT_KNOWN}; attempt 1: a"),
        ({1000: "a"}, 1000, f"attempt 1000: a; attempts 981 to 999: {NOT_KNOWN}"),
    ],
)
def test_a_description_has_each_attempt_with_its_reason_the_last_one_first(
    known: dict[int, str], attempts: int, description: str
) -> None:
    assert describe_attempts(known, attempts) == description


@given(reasons, st.integers(1, 20), st.text(min_size=1))
def test_no_known_reason_of_the_last_twenty_attempts_is_left_out(
    known: dict[int, str], attempts: int, last: str
) -> None:
    described = describe_attempts({**known, attempts: last}, attempts)

    assert all(reason in described for attempt, reason in known.items() if attempt < attempts)
    assert last in described


def test_the_reasons_of_a_message_are_remembered_by_attempt_until_it_is_settled() -> None:
    history = AttemptHistory()
    history.note("message", 1, "a")
    history.note("message", 3, "b")
    history.note("another", 1, "c")

    assert history.of("message") == {1: "a", 3: "b"}
    history.forget("message")
    assert history.of("message") == {}
    assert history.of("another") == {1: "c"}


def test_what_is_remembered_is_bounded() -> None:
    history = AttemptHistory()
    for attempt in range(1, 101):
        history.note("retried for ever", attempt, "no")
    assert list(history.of("retried for ever")) == list(range(81, 101))

    for number in range(10_000):
        history.note(str(number), 1, "no")
    assert history.of("retried for ever") == {}
    assert history.of("0") == {1: "no"}
