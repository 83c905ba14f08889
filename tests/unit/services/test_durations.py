"""Durations as people say them."""

import pytest

from services.durations import describe_duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "less than a second"),
        (0, "less than a second"),
        (0.9, "less than a second"),
        (1, "1 second"),
        (59.9, "59 seconds"),
        (60, "1 minute"),
        (119, "1 minute"),
        (180, "3 minutes"),
        (3600, "1 hour"),
        (86_399, "23 hours"),
        (86_400, "1 day"),
        (14 * 86_400, "14 days"),
    ],
)
def test_a_duration_is_said_in_its_largest_unit(seconds: float, text: str) -> None:
    assert describe_duration(seconds) == text
