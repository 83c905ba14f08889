"""What would be said again and again is said now and then."""

import math
import time


class Seldom:
    """Allows something to be said that was not said for a while."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._quiet_until = -math.inf

    def is_due(self) -> bool:
        """Return whether it may be said now; then it may not, for so many seconds."""
        now = time.monotonic()
        if now < self._quiet_until:
            return False
        self._quiet_until = now + self._seconds
        return True
