"""Settings of the stack itself, and how it refuses those that cannot work."""

from pathlib import Path
from typing import get_args

import pytest

from stack.brokers import LOCALSTACK
from stack.config import ROOT, Mode, stack_directory, stack_settings, wanted_mode
from stack.errors import StackError


def test_the_defaults() -> None:
    settings = stack_settings({}, "native")

    assert settings.ports == {"API_PORT": 8000, "RECEIVER_PORT": 9000, "LOCALSTACK_PORT": 4566, "CONSOLE_PORT": 8080}
    assert settings.directory == ROOT / ".stack"


def test_an_empty_setting_is_unset() -> None:
    settings = stack_settings({"API_PORT": "", "STACK_DIR": ""}, "native")

    assert settings.api_port == 8000
    assert settings.directory == ROOT / ".stack"


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1", "80.5"])
def test_what_is_no_port_is_refused_by_name(port: str) -> None:
    with pytest.raises(StackError, match=f"^RECEIVER_PORT={port} is not a port"):
        stack_settings({"RECEIVER_PORT": port}, "native")


def test_two_programs_cannot_share_a_port() -> None:
    with pytest.raises(StackError, match="API_PORT and RECEIVER_PORT are both 9000"):
        stack_settings({"API_PORT": "9000"}, "native")


@pytest.mark.parametrize("word", ["", None])
def test_no_mode_is_forced_by_default(word: str | None) -> None:
    assert wanted_mode({} if word is None else {"MODE": word}) is None


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(StackError, match=r"^MODE=docker is not a mode: .*MODE=containers or MODE=lambda"):
        wanted_mode({"MODE": "docker"})


@pytest.mark.parametrize("word", [None, "", "localstack"])
def test_localstack_is_the_broker_in_every_mode_unless_another_is_asked_for(word: str | None) -> None:
    environment = {} if word is None else {"BROKER": word}
    modes: tuple[Mode, ...] = get_args(Mode)

    assert {stack_settings(environment, mode).broker for mode in modes} == {LOCALSTACK}
    assert wanted_mode(environment) is None


@pytest.mark.parametrize("word", ["moto", "ministack", "fauxqs"])
def test_another_broker_runs_natively_whatever_engine_answers(word: str) -> None:
    assert wanted_mode({"BROKER": word}) == "native"
    assert stack_settings({"BROKER": word}, "native").broker.name == word


@pytest.mark.parametrize("mode", ["containers", "lambda"])
def test_another_broker_in_another_mode_is_refused_with_what_to_change(mode: Mode) -> None:
    with pytest.raises(StackError, match=f"^BROKER=moto runs natively alone, where MODE={mode} needs LocalStack: use"):
        stack_settings({"BROKER": "moto"}, mode)


def test_an_unknown_broker_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(StackError, match=r"^BROKER=rabbitmq is not a broker: use localstack, moto, ministack, fauxqs"):
        stack_settings({"BROKER": "rabbitmq"}, "native")


def test_the_state_directory_is_relative_to_the_project() -> None:
    assert stack_directory({"STACK_DIR": "other"}) == ROOT / "other"
    assert stack_directory({"STACK_DIR": "/absolute"}) == Path("/absolute")
