"""Lets SQS itself move all that a DLQ holds: StartMessageMoveTask, which goes on when this program does not.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html: its source must be
the DLQ of a queue, which `undelivered` is not; it takes no filter; one task at a time runs on a queue.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from services.dead_letters.errors import DlqError
from services.queueing.client import is_aws

if TYPE_CHECKING:
    from types_aiobotocore_sqs.client import SQSClient
    from types_aiobotocore_sqs.type_defs import ListMessageMoveTasksResultEntryTypeDef

_POLL_SECONDS = 0.5
_UNDER_WAY = {"RUNNING", "CANCELLING"}


class MoveTaskUnavailableError(Exception):
    """SQS moves nothing by itself here, and says why: the messages are to be moved one by one."""


@dataclass(frozen=True, slots=True)
class MoveTask:
    """A move task, as SQS reports it. Its numbers lag behind a little."""

    status: str
    """RUNNING, COMPLETED, CANCELLING, CANCELLED or FAILED."""
    destination_arn: str
    """Empty where each message returns to the queue from which SQS itself took it."""
    started_at: int
    """Milliseconds since the epoch."""
    moved: int
    to_move: int
    handle: str | None
    """What cancels it, while it runs."""
    failure_reason: str = ""
    is_followed: bool = False
    """Whether another command has begun it."""
    moved_before: int = 0
    """How many it had moved when it was found."""

    @property
    def is_under_way(self) -> bool:
        """Whether it may still move messages."""
        return self.status in _UNDER_WAY


def moves_as_new_messages(endpoint_url: str) -> bool:
    """Return whether a message that a move task of this endpoint has moved has all its attempts again.

    On AWS it has: "All redriven messages are considered new messages"
    (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html).
    LocalStack carries the receive count along, so that the first attempt at a redriven message would be its last.
    """
    return is_aws(endpoint_url)


async def run_move_task(
    client: "SQSClient",
    source_arn: str,
    destination_arn: str,
    stop: asyncio.Event,
    on_progress: Callable[[MoveTask], None],
) -> MoveTask:
    """Have SQS move the messages, and return how its task ended; when `stop` is set it is cancelled.

    A task to the same destination that runs already, left by a command that was killed, is followed. Raises
    MoveTaskUnavailableError where none could be started, and DlqError where one to another destination is under way.
    """
    try:
        before = await _latest(client, source_arn)
        task = _to_be_followed(before, destination_arn) or await _start(client, source_arn, destination_arn)
    except ClientError as error:
        raise MoveTaskUnavailableError(error.response["Error"].get("Message") or str(error)) from error
    while task.is_under_way:
        on_progress(task)
        if stop.is_set() and task.handle:
            # It may have ended by itself in the meantime.
            with suppress(ClientError):
                await client.cancel_message_move_task(TaskHandle=task.handle)
        await asyncio.sleep(_POLL_SECONDS)
        latest = await _latest(client, source_arn)
        # A new task may be listed a little late, the one before it in its place.
        if latest and (latest.is_under_way or latest != before):
            task = replace(latest, is_followed=task.is_followed, moved_before=task.moved_before)
    on_progress(task)
    return task


async def _start(client: "SQSClient", source_arn: str, destination_arn: str) -> MoveTask:
    started = await client.start_message_move_task(SourceArn=source_arn, DestinationArn=destination_arn)
    return MoveTask("RUNNING", destination_arn, started_at=0, moved=0, to_move=0, handle=started["TaskHandle"])


def _to_be_followed(task: MoveTask | None, destination_arn: str) -> MoveTask | None:
    if task is None or not task.is_under_way:
        return None
    if task.destination_arn != destination_arn:
        destination = task.destination_arn.rpartition(":")[2] or "the queues they came from"
        raise DlqError(
            f"SQS is moving these messages to {destination} already ({task.moved} of {task.to_move}):"
            f" wait for its end, or `aws sqs cancel-message-move-task --task-handle {task.handle}`."
        )
    return replace(task, is_followed=True, moved_before=task.moved)


async def _latest(client: "SQSClient", source_arn: str) -> MoveTask | None:
    response = await client.list_message_move_tasks(SourceArn=source_arn, MaxResults=1)
    entries = response.get("Results", [])
    return _read(entries[0]) if entries else None


def _read(entry: "ListMessageMoveTasksResultEntryTypeDef") -> MoveTask:
    return MoveTask(
        status=entry.get("Status", "RUNNING"),
        destination_arn=entry.get("DestinationArn", ""),
        started_at=entry.get("StartedTimestamp", 0),
        moved=entry.get("ApproximateNumberOfMessagesMoved", 0),
        to_move=entry.get("ApproximateNumberOfMessagesToMove", 0),
        handle=entry.get("TaskHandle"),
        failure_reason=entry.get("FailureReason", ""),
    )
