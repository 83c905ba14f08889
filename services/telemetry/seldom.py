"""What would be said again and again is said now and then."""

import math
import time
from collections.abc import Callable


class Seldom:
    """Allows something to be said that was not said for a while."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._quiet_until = -math.inf

    def is_due(self) -> bool:
        """Return whether it may be said now; then it may not, for so many seconds."""
        now = self._clock()
        if now < self._quiet_until:
            return False
        self._quiet_until = now + self._seconds
        return True
