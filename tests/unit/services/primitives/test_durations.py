"""Durations as people write and read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.primitives.durations import describe_duration, parse_age


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("2h", 7200), ("1h30m", 5400), ("3d", 259_200), ("1d2h3m4s", 93_784), ("90m", 5400), ("0s", 0)],
)
def test_an_age_is_a_number_of_days_hours_minutes_and_seconds(text: str, seconds: int) -> None:
    assert parse_age(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "2", "h", "2 h", "2w", "-2h", "30m1h", "2h2h", "1.5h", "\u0662h", f"{'1' * 5000}h"]
)
def test_anything_else_is_refused_with_what_an_age_looks_like(text: str) -> None:
    with pytest.raises(ValueError, match="such as 3d, 2h, 1h30m or 90s"):
        parse_age(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59.9, "59s"), (60, "1m"), (61, "1m 1s"), (7500, "2h 5m"), (86_400 + 59, "1d"), (273_600, "3d 4h")],
)
def test_an_age_is_written_in_its_largest_unit_and_the_one_below(seconds: float, text: str) -> None:
    assert describe_duration(seconds) == text


def test_a_time_to_come_by_another_clock_is_no_age() -> None:
    assert describe_duration(-5) == "0s"


@given(st.integers(0, 10**9))
def test_an_age_that_is_read_again_is_no_longer_than_it_was_and_hardly_shorter(seconds: int) -> None:
    read_again = parse_age(describe_duration(seconds).replace(" ", ""))
    assert read_again <= seconds <= read_again * 1.05 + 1
