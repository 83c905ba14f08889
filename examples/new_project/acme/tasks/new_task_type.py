"""Task type `new-task-type`: say here what it does."""

from typing import Annotated

from pydantic import BaseModel, Field

from services.task_types import ItemError, TaskContext, TaskItem, TaskType


class NewTaskTypeItem(TaskItem):
    """What one item is given: the API refuses with a 422 what does not fit."""

    text: Annotated[str, Field(max_length=100_000)]


class NewTaskTypeResult(BaseModel):
    """What the callback hears of one item that was worked."""

    words: int


async def run(item: NewTaskTypeItem, _context: TaskContext) -> NewTaskTypeResult:
    """Work one item. Raises ItemError where it fails: its text is the item's entry in `errors`."""
    words = item.text.split()
    if not words:
        raise ItemError("the text has no words")
    return NewTaskTypeResult(words=len(words))


TASK_TYPE = TaskType(
    name="new-task-type",
    route="/v1/new-task-type",
    summary="Say here what it does",
    item=NewTaskTypeItem,
    run=run,
    example=[{"name": "motto", "text": "Errors are never swallowed"}, {"name": "nothing", "text": ""}],
)
