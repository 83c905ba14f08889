"""Overload: the tasks that are under way between their request and SQS are bounded, in number and in bytes."""

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
        self.bytes = 0

    def place_for(self, size: int) -> "_Place":
        """Return the place of a task of so many bytes, or raise the 503 where there is none."""
        if self.count >= self._most or self.bytes + size > self._most_bytes:
            headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            raise HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, _OVERLOADED, headers)
        return _Place(self, size)


class _Place:
    """Is taken inside a `with` block."""

    __slots__ = ("_pending", "_size")

    def __init__(self, pending: PendingTasks, size: int) -> None:
        self._pending = pending
        self._size = size

    def __enter__(self) -> None:
        self._pending.count += 1
        self._pending.bytes += self._size

    def __exit__(self, *_error: object) -> None:
        self._pending.count -= 1
        self._pending.bytes -= self._size
