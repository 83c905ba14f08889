"""A clock that goes on by as much as a test says, as the clocks of a machine do that was suspended."""

import pytest

from services.primitives import clock
from services.primitives.clock import Moment


class JumpingClock:
    """Stands still but for suspends."""

    def __init__(self) -> None:
        self._now = clock.now()

    def now(self) -> Moment:
        """Return the moment that it is."""
        return self._now

    def suspend(self, seconds: float) -> None:
        """Let the seconds pass in which no program ran."""
        self._now = Moment(self._now.since_boot + seconds, self._now.wall + seconds)


@pytest.fixture
def jumping_clock(monkeypatch: pytest.MonkeyPatch) -> JumpingClock:
    """The clock by which messages are in flight."""
    jumping = JumpingClock()
    monkeypatch.setattr(clock, "now", jumping.now)
    return jumping
