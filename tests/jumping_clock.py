"""A clock that goes on by as much as a test says, as the clocks of a machine do that was suspended."""

import math

import pytest

from services.primitives.clock import Moment, this_moment


class JumpingClock:
    """Stands still but for suspends."""

    def __init__(self) -> None:
        now = this_moment()
        # Of whole seconds the differences are exact, however long the machine has been up.
        self._now = Moment(math.floor(now.since_boot), math.floor(now.wall))

    def now(self) -> Moment:
        """Return the moment that it is."""
        return self._now

    def suspend(self, seconds: float) -> None:
        """Let the seconds pass in which no program ran."""
        self._now = Moment(self._now.since_boot + seconds, self._now.wall + seconds)


@pytest.fixture
def jumping_clock() -> JumpingClock:
    """A clock to be handed to what keeps messages hidden."""
    return JumpingClock()
