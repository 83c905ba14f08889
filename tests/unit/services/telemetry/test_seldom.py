"""What is said now and then."""

from services.telemetry.seldom import Seldom


def test_what_was_just_said_is_not_said_again() -> None:
    now = 0.0
    seldom = Seldom(60, lambda: now)

    assert [seldom.is_due() for _ in range(3)] == [True, False, False]
    now = 59
    assert not seldom.is_due()
    now = 60
    assert [seldom.is_due() for _ in range(3)] == [True, False, False]
