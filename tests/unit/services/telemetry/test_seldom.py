"""What is said now and then."""

from services.telemetry.seldom import Seldom


def test_what_was_just_said_is_not_said_again() -> None:
    seldom, often = Seldom(3600), Seldom(0)

    assert [seldom.is_due() for _ in range(3)] == [True, False, False]
    assert [often.is_due() for _ in range(3)] == [True, True, True]
