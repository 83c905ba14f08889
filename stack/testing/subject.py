"""The task type that is tested, and the task that is posted to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import wraps
from inspect import isawaitable
from types import ModuleType
from typing import Any, TypeAlias

from services.primitives import exact_json
from services.queues import define_queues
from services.task_types import TaskContext, TaskItem, TaskType
from stack.errors import StackError
from stack.testing.errors import BrokenTaskTypeError
from stack.tryout.task_request import TaskRequest, make_request

# What is wrong is shown where the test calls (https://docs.pytest.org/en/stable/example/simple.html).
__tracebackhide__ = True

TaskTypeOrModule: TypeAlias = TaskType[Any] | ModuleType
"""A task type, or the module that defines it as `TASK_TYPE`."""

Task: TypeAlias = Sequence[Mapping[str, Any]] | Mapping[str, Any] | str | bytes
"""A request as a client posts it, or its items alone; as a value, or as JSON text, whose numbers are sent digit by
digit."""


def task_type_of(given: TaskTypeOrModule) -> TaskType[Any]:
    """Return the task type. Raises BrokenTaskTypeError where there is none, or its name is taken."""
    task_type = _defined_in(given) if isinstance(given, ModuleType) else given
    if not isinstance(task_type, TaskType):
        raise BrokenTaskTypeError(
            f"{task_type!r} is no task type: give TASK_TYPE of a task type's module, or the module itself"
        )
    try:
        define_queues({task_type.name: task_type})
    except ValueError as error:
        raise BrokenTaskTypeError(str(error)) from error
    return task_type


def _defined_in(module: ModuleType) -> Any:
    task_type = getattr(module, "TASK_TYPE", None)
    if not isinstance(task_type, TaskType):
        raise BrokenTaskTypeError(
            f"{module.__name__} defines no TASK_TYPE, so no service finds its task type: a module of TASK_PACKAGES has"
            " TASK_TYPE = TaskType(…)"
        )
    return task_type


def awaited(task_type: TaskType[Any], on_broken: Callable[[BrokenTaskTypeError], object]) -> TaskType[Any]:
    """Return the task type with a `run` that says so where there is nothing to await, as of a plain `def`.

    `on_broken` is given that error too: to a worker it is one of an attempt.
    """
    given = task_type.run

    @wraps(given)
    async def run(item: TaskItem, context: TaskContext[Any]) -> Any:
        result = given(item, context)
        if isawaitable(result):
            return await result
        error = BrokenTaskTypeError(
            f"run of the task type {task_type.name!r} returned {type(result).__name__}, which is nothing to await:"
            " write `async def run`"
        )
        on_broken(error)
        raise error

    return replace(task_type, run=run)


def request_of(task_type: TaskType[Any], task: Task, callback_url: str) -> TaskRequest:
    """Return the request, with this callback_url where it has none of its own.

    Raises StackError where it is no JSON, or neither a request nor a list of items.
    """
    try:
        text = task if isinstance(task, str | bytes) else exact_json.dumps(task)
    except (TypeError, ValueError) as error:
        raise StackError(f"The task cannot be posted, as it is no JSON: {error}.") from error
    return make_request(text, {task_type.name: task_type}, task_type.name, None, callback_url)
