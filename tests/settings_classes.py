"""Every class of settings that the services, the task types and the receiver have."""

from collections.abc import Iterator
from importlib import import_module

from pydantic_settings import BaseSettings

import receiver.settings
import services.settings
from services.task_types.loading import load_task_types
from stack.config import ROOT


def _with_subclasses(settings: type[BaseSettings]) -> Iterator[type[BaseSettings]]:
    yield settings
    for subclass in settings.__subclasses__():
        yield from _with_subclasses(subclass)


for _module in ROOT.glob("services/*/settings.py"):
    import_module(f"services.{_module.parent.name}.settings")
load_task_types(["services.tasks"])

SETTINGS_CLASSES: list[type[BaseSettings]] = [
    receiver.settings.Settings,
    # Tests make subclasses of their own.
    *dict.fromkeys(
        each for each in _with_subclasses(services.settings.Settings) if each.__module__.startswith("services.")
    ),
]
