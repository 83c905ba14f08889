"""Time as SQS counts it, a suspend included."""

import pytest

from services.primitives.clock import Moment, seconds_between

BOOTED = Moment(100, 1_000_000)


@pytest.mark.parametrize(
    ("later", "seconds"),
    [
        (Moment(107, 1_000_007), 7),
        # The wall clock was put back, and put right.
        (Moment(107, 999_000), 7),
        # A virtual machine whose host was suspended.
        (Moment(107, 1_000_069), 69),
    ],
)
def test_the_clock_that_has_counted_more_is_right(later: Moment, seconds: float) -> None:
    assert seconds_between(BOOTED, later) == seconds
