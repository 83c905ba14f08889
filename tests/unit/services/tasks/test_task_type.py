"""What a task type may declare."""

from typing import Any

import pytest

from services.tasks.task_type import TaskContext, TaskItem, TaskType


async def run(item: TaskItem, _context: TaskContext) -> str:
    return item.name


def declare(**changes: Any) -> TaskType[TaskItem]:
    fields: dict[str, Any] = {"name": "echo", "route": "/v1/echo", "summary": "Echo", "item": TaskItem, "run": run}
    return TaskType(**{**fields, "example": [{"name": "a"}], **changes})


@pytest.mark.parametrize("name", ["a", "echo", "echo-2", "2", "a" * 48, "dlq"])
def test_a_name_that_a_queue_can_have_is_taken(name: str) -> None:
    assert declare(name=name).name == name


@pytest.mark.parametrize(
    "name", ["", "Echo", "e cho", "echo.fifo", "echo_2", "-echo", "echo-", "a" * 49, "\u00e9", "x-dlq", "a\n"]
)
def test_a_name_that_no_queue_can_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a name has 1 to 48 lower-case letters"):
        declare(name=name)


def test_a_route_is_a_path() -> None:
    with pytest.raises(ValueError, match="task type 'echo': the route 'v1/echo' must start with /"):
        declare(route="v1/echo")


@pytest.mark.parametrize(
    "changes", [{"max_attempts": 0}, {"max_attempts": 1001}, {"item_concurrency": 0}, {"retry_delay_seconds": -1}]
)
def test_numbers_that_cannot_work_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"max_attempts goes from|item_concurrency starts at"):
        declare(**changes)
