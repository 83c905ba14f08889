"""Puts accepted tasks on their queue."""

import asyncio

import structlog

from services.sqs import Queue

log = structlog.get_logger(__name__)


class EnqueueError(Exception):
    """SQS did not confirm the task: it must not be reported as accepted."""


class TaskQueue:
    """The queue of one task type, as the API uses it."""

    def __init__(self, queue: Queue, timeout_seconds: float) -> None:
        self._queue = queue
        self._timeout_seconds = timeout_seconds

    async def enqueue(self, task_id: str, body: str) -> None:
        """Return when SQS has confirmed the message. Raises EnqueueError, after the timeout at the latest."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._queue.send(body)
        except TimeoutError as error:
            self._log(task_id, f"no confirmation within {self._timeout_seconds:g} seconds")
            raise EnqueueError from error
        except Exception as error:  # whatever it is, the task was not confirmed
            self._log(task_id, repr(error))
            raise EnqueueError from error

    async def check(self) -> None:
        """Raise where the queue does not answer."""
        await self._queue.check()

    def _log(self, task_id: str, cause: str) -> None:
        log.error("task could not be queued", task_id=task_id, queue=self._queue.name, cause=cause)
