"""Task type `word-count`: count the words of texts."""

from typing import Annotated

from pydantic import BaseModel, Field

from services.task_types import ItemError, TaskContext, TaskItem, TaskType


class WordCountItem(TaskItem):
    """A text, and whether words that differ only in case are the same."""

    text: Annotated[str, Field(max_length=100_000)]
    ignore_case: bool = False


class WordCount(BaseModel):
    """How many words there are, and how many different ones."""

    words: int
    different: int


async def run(item: WordCountItem, _context: TaskContext) -> WordCount:
    """Return how many words the text has, and how many different ones."""
    words = (item.text.casefold() if item.ignore_case else item.text).split()
    if not words:
        raise ItemError("the text has no words")
    return WordCount(words=len(words), different=len(set(words)))


TASK_TYPE = TaskType(
    name="word-count",
    route="/v1/text/word-count",
    summary="Count words",
    item=WordCountItem,
    run=run,
    example=[
        {"name": "motto", "text": "Errors are never swallowed, never", "ignore_case": True},
        {"name": "nothing", "text": ""},
    ],
    max_attempts=3,
    retry_delay_seconds=5,
)
