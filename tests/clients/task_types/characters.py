"""Task type `characters`: how often each character is in the item's name."""

from collections import Counter

from pydantic import BaseModel

from services.task_types import TaskContext, TaskItem, TaskType


class Row(BaseModel):
    """How often a character is there."""

    character: str
    times: int


class Result(BaseModel):
    """A row for each character."""

    rows: list[Row]


async def run(item: TaskItem, _context: TaskContext) -> Result:
    """Count them."""
    return Result(rows=[Row(character=character, times=times) for character, times in Counter(item.name).items()])


TASK_TYPE = TaskType(
    name="characters",
    route="/v1/tests/characters",
    summary="Count characters",
    item=TaskItem,
    run=run,
    example=[{"name": "noon"}],
)
