"""Task type `new-task-type`, in memory."""

import pytest

from acme.tasks import new_task_type
from services.task_types import ItemError
from stack.testing import run_item, run_task


async def test_the_words_of_a_text_are_counted() -> None:
    assert await run_item(new_task_type, {"text": "Errors are never swallowed"}) == {"words": 4}


async def test_a_text_without_words_is_an_error_of_its_item() -> None:
    with pytest.raises(ItemError, match="the text has no words"):
        await run_item(new_task_type, {"text": " "})


async def test_the_callback_hears_of_both() -> None:
    done = await run_task(new_task_type, [{"name": "motto", "text": "Errors"}, {"name": "nothing", "text": ""}])

    assert done.results == [{"motto": {"words": 1}}]
    assert done.errors == [{"nothing": "the text has no words"}]
