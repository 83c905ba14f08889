"""The task types of a stack, as its settings name their packages."""

import traceback
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from stack.errors import StackError

if TYPE_CHECKING:
    from services.task_types.loading import TaskTypes

SETTING = "TASK_PACKAGES"

OWN_PACKAGE = "services.tasks"
"""The task types of this clone: those of a stack whose settings name none."""


def task_packages_of(environment: Mapping[str, str]) -> list[str]:
    """Return the packages that are searched for task types; where none is named, the default."""
    names = [name for each in environment.get(SETTING, "").split(",") if (name := each.strip())]
    return names or [OWN_PACKAGE]


def package_folders(environment: Mapping[str, str]) -> list[Path]:
    """Return the folders of the packages' top levels, whose code the task types are; of those that can be found."""
    tops = dict.fromkeys(name.partition(".")[0] for name in task_packages_of(environment))
    specs = filter(None, map(find_spec, tops))
    return [Path(place) for spec in specs for place in spec.submodule_search_locations or ()]


def own_task_types_of(environment: Mapping[str, str]) -> "TaskTypes":
    """Return the task types that are none of this clone's. Raises as `task_types_of` does."""
    return _load([name for name in task_packages_of(environment) if name != OWN_PACKAGE])


def task_types_of(environment: Mapping[str, str]) -> "TaskTypes":
    """Return the task types.

    Raises `StackError` where one cannot be loaded: with what is wrong and where, or else with what Python says.
    """
    return _load(task_packages_of(environment))


def _load(packages: Iterable[str]) -> "TaskTypes":
    # What stops a stack, or looks at it, is not to load them.
    from services.task_types.errors import TaskTypeError  # noqa: PLC0415
    from services.task_types.loading import load_task_types  # noqa: PLC0415

    try:
        return load_task_types(packages)
    except TaskTypeError as error:
        raise StackError(str(error)) from error
    except Exception as error:
        reason = traceback.format_exception_only(error)[-1].strip()
        raise StackError(f"The task types cannot be loaded: {reason}", traceback.format_exc()) from error


def aws_services_of(task_types: "TaskTypes") -> list[str]:
    """The services of AWS besides SQS that the task types call, by name. Pure."""
    return sorted({name for each in task_types.values() for name in each.aws_services})


def declared_settings(task_types: "TaskTypes") -> list[str]:
    """What the task types read from the environment, by name. Pure."""
    return sorted({name.upper() for each in task_types.values() for name in each.settings.model_fields})
