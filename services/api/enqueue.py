"""Puts accepted tasks on their queue."""

import asyncio

import structlog
from botocore.exceptions import ClientError

from services.messages import max_body_bytes
from services.queueing.client import is_aws
from services.queueing.errors import UnusableBrokerError, is_denied, is_too_large
from services.queueing.provisioning import describe_smaller_messages
from services.queueing.queue import Queue
from services.telemetry import log_events

log = structlog.get_logger(__name__)

ALL_IS_WELL_SECONDS_ON_AWS = 60.0
"""So long a queue that was as it should be is not asked again how it is, unless a task could not be queued since: AWS
bills each time, and who asks for readiness does so several times a minute, of every process. Elsewhere nobody bills,
and a broker may be gone for a moment."""


class EnqueueError(Exception):
    """SQS did not confirm the task: it must not be reported as accepted."""


class TaskTooLargeError(EnqueueError):
    """SQS refused the task for its size, and will whenever it is asked: the queue takes less than was known."""


class TaskQueue:
    """The queue of one task type, as the API uses it."""

    def __init__(self, queue: Queue, dead_letter_queue: Queue, timeout_seconds: float) -> None:
        self._queue = queue
        self._dead_letter_queue = dead_letter_queue
        self._all_is_well_seconds = ALL_IS_WELL_SECONDS_ON_AWS if is_aws(queue.destination.server_url) else 0.0
        self._timeout_seconds = timeout_seconds
        self._was_well_at: float | None = None

    @property
    def max_body_bytes(self) -> int:
        """The most that the body of a task may take, as these queues were seen last."""
        return max_body_bytes(self._max_message_bytes)

    @property
    def _max_message_bytes(self) -> int:
        return min(self._queue.max_message_bytes, self._dead_letter_queue.max_message_bytes)

    async def enqueue(
        self, task_id: str, body: str, *, delay_seconds: int = 0, message_group_id: str | None = None
    ) -> None:
        """Return when SQS has confirmed the message. Raises EnqueueError, after the timeout at the latest.

        It is a TaskTooLargeError where SQS takes no message of that size.
        """
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._queue.send(body, delay_seconds=delay_seconds, message_group_id=message_group_id)
        except TimeoutError as error:
            self._note_failure(task_id, f"no confirmation within {self._timeout_seconds:g} seconds")
            raise EnqueueError from error
        except Exception as error:  # whatever it is, the task was not confirmed
            self._note_failure(task_id, repr(error))
            raise (TaskTooLargeError if is_too_large(error) else EnqueueError) from error

    async def check(self) -> list[str]:
        """Return what of the queue is not as declared, or cannot be known, or is less than SQS has it.

        It raises where the queue does not answer. One on AWS that was well lately is not asked.
        """
        now = asyncio.get_running_loop().time()
        notes: list[str] = []
        if self._was_well_at is None or now >= self._was_well_at + self._all_is_well_seconds:
            notes = await self._ask()
            self._was_well_at = None if notes else now
        smaller = describe_smaller_messages(self._max_message_bytes)
        return [*notes, smaller] if smaller else notes

    async def _ask(self) -> list[str]:
        try:
            return [str(each) for each in await self._queue.check()]
        except ClientError as error:
            # It was found by its name: SQS answers, and a role that may send is enough to accept tasks.
            if is_denied(error) and error.operation_name == "GetQueueAttributes":
                return ["whether it is as declared is not known: GetQueueAttributes is not allowed"]
            raise
        except UnusableBrokerError as error:
            return [f"whether it is as declared is not known: {error}"]

    def _note_failure(self, task_id: str, cause: str) -> None:
        self._was_well_at = None
        log.error(log_events.NOT_QUEUED, task_id=task_id, queue=self._queue.name, cause=cause)
