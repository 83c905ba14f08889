"""Task type `unreliable`: fails its first attempts and takes its time, as asked; each attempt reports itself."""

import asyncio
import os
from typing import Annotated, Any

from pydantic import Field, HttpUrl

from services.task_types import TaskContext, TaskItem, TaskType

# That of a process that was killed by SIGKILL.
_KILLED_STATUS = 137


class UnreliableItem(TaskItem):
    """POSTs to `probe_url` on each attempt, waits, and raises while the attempt is one of the first `fail_attempts`.

    It waits in the first `hold_attempts` alone.
    """

    probe_url: HttpUrl
    probe_id: str
    fail_attempts: Annotated[int, Field(ge=0)] = 0
    hold_seconds: Annotated[float, Field(ge=0, le=60)] = 0
    hold_attempts: Annotated[int, Field(ge=0)] = 99
    kills_worker: bool = False
    """Whether the worker's process ends then, as if it had run out of memory."""


async def run(item: UnreliableItem, context: TaskContext) -> Any:
    """Return the number of the attempt that succeeded."""
    probe = {"task_id": item.probe_id, "attempt": context.attempt}
    await context.http.post(str(item.probe_url), json=probe)
    if context.attempt <= item.hold_attempts:
        await asyncio.sleep(item.hold_seconds)
    if item.kills_worker:
        os._exit(_KILLED_STATUS)
    if context.attempt <= item.fail_attempts:
        raise RuntimeError(f"attempt {context.attempt} fails on purpose")
    return context.attempt


TASK_TYPE = TaskType(
    name="unreliable",
    route="/v1/tests/unreliable",
    summary="Fail on demand",
    item=UnreliableItem,
    run=run,
    example=[{"name": "once", "probe_url": "{receiver}/callback", "probe_id": "probe", "fail_attempts": 1}],
    max_attempts=3,
    retry_delay_seconds=1,
)
