"""The settings that a test gives, read as a service reads its environment when it starts."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TypeAlias

import pytest
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from services.settings import SettingsT, lines_of
from stack.testing.errors import UnfitSettingsError

# What is wrong is shown where the test calls (https://docs.pytest.org/en/stable/example/simple.html).
__tracebackhide__ = True

Settings: TypeAlias = Mapping[str, str | float]
"""As the environment has them: text by name, such as `{"TASK_TIMEOUT_SECONDS": "0.5"}`; a number is its text."""


def read_settings(settings_class: type[SettingsT], given: Settings) -> SettingsT:
    """Read what is given, and the defaults of all else: neither the shell nor `.env` has a part in it.

    Raises UnfitSettingsError with a line for each setting with which a service would not start.
    """
    try:
        with _environment(settings_class, given):
            return settings_class(_env_file=None)
    except ValidationError as error:
        raise UnfitSettingsError("\n".join(f"cannot start: {line}" for line in lines_of(error))) from error


def require_known(given: Settings, classes: Iterable[type[BaseSettings]]) -> None:
    """Raise UnfitSettingsError for a name that none of the classes reads: it would be passed over in silence."""
    known = {name for each in classes for name in _names_of(each)}
    for name, value in given.items():
        if name not in known:
            similar = "".join(f": is it {each}?" for each in get_close_matches(name.upper(), known, n=1))
            raise UnfitSettingsError(f"{name} is no setting of the task type or of its worker{similar}")
        if not isinstance(value, str | int | float):
            raise UnfitSettingsError(
                f"{name} is {value!r}: give it as the environment has it, which is text, several values with commas"
            )


def _names_of(settings_class: type[BaseSettings]) -> set[str]:
    return {name.upper() for name in settings_class.model_fields}


@contextmanager
def _environment(settings_class: type[BaseSettings], given: Settings) -> Iterator[None]:
    """Let the environment have of the class's settings those that are given, and no others."""
    own = _names_of(settings_class)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.upper() in own]:
            patch.delenv(name)
        for name, value in given.items():
            patch.setenv(name, str(value))
        yield
