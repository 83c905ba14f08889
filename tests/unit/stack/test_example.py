"""`.env.example` lists every setting with its default, commented out."""

import os
from io import StringIO

import pytest
from dotenv import dotenv_values
from pydantic_settings import BaseSettings

from services.api.settings import ApiFunctionSettings
from services.runtime.settings import FunctionSettings
from stack.aws.user_settings import DECIDED_FOR_FUNCTIONS
from stack.environment import LOCAL_ENV
from stack.native.fingerprint import EXAMPLE, setting_names
from tests.settings_classes import SETTINGS_CLASSES

LISTED = setting_names(EXAMPLE.read_text())

# A function does not start by defaults alone; those that it has are the process's.
WITH_DEFAULTS = [each for each in SETTINGS_CLASSES if not issubclass(each, (FunctionSettings, ApiFunctionSettings))]


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in LISTED:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize("settings", SETTINGS_CLASSES)
def test_it_lists_every_setting_but_those_that_a_template_gives_to_each_function(settings: type[BaseSettings]) -> None:
    required = {name.upper() for name, field in settings.model_fields.items() if field.is_required()}

    assert required <= set(DECIDED_FOR_FUNCTIONS)
    assert {name.upper() for name in settings.model_fields} - required <= set(LISTED)


@pytest.mark.parametrize("settings", WITH_DEFAULTS)
def test_its_values_are_the_defaults(settings: type[BaseSettings], bare_environment: pytest.MonkeyPatch) -> None:
    defaults = settings(_env_file=None)

    for name, value in uncommented(EXAMPLE.read_text()).items():
        bare_environment.setenv(name, value)

    assert settings(_env_file=None) == defaults


def test_it_lists_each_setting_once() -> None:
    assert len(LISTED) == len(set(LISTED))


def test_it_lists_what_the_local_stack_sets() -> None:
    assert set(dotenv_values(LOCAL_ENV)) <= set(LISTED)


def test_it_sets_nothing_as_it_is() -> None:
    assert dotenv_values(EXAMPLE) == {}


def uncommented(example: str) -> dict[str, str]:
    lines = [line.removeprefix("# ") for line in example.splitlines()]
    settings = [line for line in lines if line.partition("=")[0] in LISTED]
    return {name: value or "" for name, value in dotenv_values(stream=StringIO(os.linesep.join(settings))).items()}
