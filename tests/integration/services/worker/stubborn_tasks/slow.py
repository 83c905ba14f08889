"""A task type in the place of `calculation`: its items wait, or swallow every cancellation, for as long as they say."""

import asyncio
import time
from contextlib import suppress

from services.task_types.task_type import TaskContext, TaskItem, TaskType


class SlowItem(TaskItem):
    """Takes its time."""

    seconds: float
    is_stubborn: bool = False


async def run(item: SlowItem, _context: TaskContext) -> str:
    """Wait for the seconds, whoever wants it to end if it is stubborn."""
    if not item.is_stubborn:
        await asyncio.sleep(item.seconds)
    ends_at = time.monotonic() + item.seconds
    while item.is_stubborn and (left := ends_at - time.monotonic()) > 0:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(left)
    return "done"


TASK_TYPE = TaskType(
    name="calculation", route="/", summary="Take time", item=SlowItem, run=run, example=[], max_attempts=3
)
