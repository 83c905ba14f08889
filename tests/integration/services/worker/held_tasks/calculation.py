"""A task type in the place of `calculation`, whose item is what its server answers, when it answers."""

from pydantic import HttpUrl

from services.task_types.task_type import TaskContext, TaskItem, TaskType


class HeldItem(TaskItem):
    """Names the server."""

    url: HttpUrl


async def run(item: HeldItem, context: TaskContext) -> str:
    """Return what the server answers, however long it takes."""
    return (await context.http.get(str(item.url), timeout=None)).text


TASK_TYPE = TaskType(
    name="calculation", route="/", summary="Be held", item=HeldItem, run=run, example=[], max_attempts=3
)
