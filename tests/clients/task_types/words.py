"""Task type `words`: the words of the item's name."""

from pydantic import BaseModel

from services.task_types import TaskContext, TaskItem, TaskType


class Row(BaseModel):
    """A word."""

    word: str


class Result(BaseModel):
    """A row for each word."""

    rows: list[Row]


async def run(item: TaskItem, _context: TaskContext) -> Result:
    """Split it into them."""
    return Result(rows=[Row(word=word) for word in item.name.split()])


TASK_TYPE = TaskType(
    name="words",
    route="/v1/tests/words",
    summary="Split into words",
    item=TaskItem,
    run=run,
    example=[{"name": "to be"}],
)
