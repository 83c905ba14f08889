"""What an answer asks for with Retry-After, wherever the machine is."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.outbound.retry_after import retry_after_seconds

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def machine_in() -> Iterator[Callable[[str], None]]:
    """Set the machine's time zone, until the end of the test."""
    with pytest.MonkeyPatch.context() as monkeypatch:

        def set_zone(zone: str) -> None:
            monkeypatch.setenv("TZ", zone)
            time.tzset()

        yield set_zone
    time.tzset()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0),
        ("120", 120),
        (" 120 ", 120),
        ("1.5", 1.5),
        ("-5", 0),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("1e400", None),
        ("Fri, 02 Jan 2026 03:04:35 GMT", 30),
        ("Fri, 02 Jan 2026 04:04:35 +0100", 30),
        ("Fri Jan  2 03:04:35 2026", 30),
        ("Fri, 02 Jan 2026 03:04:35", 30),
        ("Fri, 02 Jan 2026 03:04:35 -0000", 30),
        ("Friday, 02-Jan-26 03:04:35 GMT", 30),
        ("Thu, 01 Jan 2026 00:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 -2359", None),
        ("Mon, 01 Jan 2026 00:00:00 +99999999999999999999999", None),
        ("Fri, 99 Foo 2026 03:04:35 GMT", None),
    ],
)
@pytest.mark.parametrize("zone", ["UTC0", "EST5EDT"])
def test_what_is_asked_for_with_retry_after(
    value: str | None, seconds: float | None, zone: str, machine_in: Callable[[str], None]
) -> None:
    machine_in(zone)

    assert retry_after_seconds(value, NOW) == seconds


@given(st.integers(0, 10**9))
def test_a_date_is_as_far_away_as_it_says(seconds: int) -> None:
    date = datetime.fromtimestamp(NOW.timestamp() + seconds, UTC)

    assert retry_after_seconds(format_datetime(date, usegmt=True), NOW) == seconds


@given(st.text() | st.from_regex(r"\A\w{3}, \d{1,3} (Jan|Foo) \d{1,6} \d+:\d+:\d+ ([+-]\d+|GMT)\Z"))
@example("\u00b2")
def test_no_retry_after_breaks_the_reader(value: str) -> None:
    seconds = retry_after_seconds(value, NOW)

    assert seconds is None or seconds >= 0
