"""When queues that get no more messages are empty for good, or have some that nobody works."""

import math
from dataclasses import dataclass
from typing import Literal

QUIET_SECONDS = 60.0
"""For so long after the last message was sent SQS may count too few.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html"""

PATIENCE_SECONDS = 60.0
"""In which there have to become fewer."""


@dataclass
class Draining:
    """Looks at how many messages there are, again and again."""

    quiet_seconds: float = QUIET_SECONDS
    """How long there must be none."""
    patience_seconds: float = PATIENCE_SECONDS
    _fewest: float = math.inf
    _since: float = 0.0

    def look(self, messages: int, now: float) -> Literal["empty", "stuck", "draining"]:
        """Return what is known at that time, in seconds of a monotonic clock."""
        if messages < self._fewest or messages > self._fewest == 0:
            self._fewest, self._since = messages, now
        passed = now - self._since
        if messages == 0:
            return "empty" if passed >= self.quiet_seconds else "draining"
        return "stuck" if passed >= self.patience_seconds else "draining"
