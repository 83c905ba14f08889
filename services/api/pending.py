"""Overload: the tasks that are under way between their request and SQS are bounded, in number and in bytes."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import HTTPException, status

RETRY_AFTER_SECONDS = 1
"""Room comes with the next batch that SQS confirms."""

_OVERLOADED = "Too many tasks are waiting to be queued. The task was not accepted: send it again later."


class PendingTasks:
    """The tasks that were let in and not answered yet."""

    def __init__(self, *, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self.count = 0
        self._bytes = 0

    @contextmanager
    def place_for(self, size: int) -> Iterator[None]:
        """Hold a place for a task of so many bytes, or raise the 503 where there is none."""
        if self.count >= self._most or self._bytes + size > self._most_bytes:
            headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            raise HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, _OVERLOADED, headers)
        self.count += 1
        self._bytes += size
        try:
            yield
        finally:
            self.count -= 1
            self._bytes -= size
