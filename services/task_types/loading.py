"""Finds the task types: every module of the task packages that defines `TASK_TYPE`."""

import importlib
import pkgutil
import traceback
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

from services.task_types.errors import TaskTypeError
from services.task_types.example import require_fitting_example
from services.task_types.task_type import TaskType

TaskTypes = Mapping[str, TaskType[Any]]


def load_task_types(packages: Iterable[str]) -> TaskTypes:
    """Import the packages' modules and return their task types by name.

    Raises TaskTypeError where there is no such package, where two task types share a name or a route, where a module
    declares one that cannot work, of which it names the place, or an example that does not fit; and whatever else a
    module raises.
    """
    task_types: dict[str, TaskType[Any]] = {}
    for package in packages:
        for task_type in _in_package(package):
            _refuse_clash(task_type, task_types.values())
            task_types[task_type.name] = task_type
    return task_types


def _in_package(name: str) -> Iterable[TaskType[Any]]:
    try:
        package = _imported(name)
    except ModuleNotFoundError as error:
        raise TaskTypeError(f"TASK_PACKAGES: there is no package {name!r} ({error})") from error
    if not hasattr(package, "__path__"):
        raise TaskTypeError(f"TASK_PACKAGES: {name!r} is a module; name the package that it is in")
    for module in pkgutil.iter_modules(package.__path__, prefix=f"{name}."):
        task_type = getattr(_imported(module.name), "TASK_TYPE", None)
        if isinstance(task_type, TaskType):
            require_fitting_example(task_type)
            yield task_type


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except TaskTypeError as error:
        frames = traceback.extract_tb(error.__traceback__)
        file, line = next((each.filename, each.lineno) for each in reversed(frames) if each.name == "<module>")
        raise TaskTypeError(f"{error} ({file}, line {line})") from error


def _refuse_clash(new: TaskType[Any], known: Iterable[TaskType[Any]]) -> None:
    for other in known:
        if new.name == other.name or new.route == other.route:
            raise TaskTypeError(f"two task types share the name {new.name!r} or the route {new.route!r}")
