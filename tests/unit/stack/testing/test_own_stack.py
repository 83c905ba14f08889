"""A stack that tests bring up for themselves has nothing in common with any other."""

import os
from pathlib import Path

import pytest

from stack.errors import StackError
from stack.testing.own_stack import OwnStack


def environment_of(stack: OwnStack) -> dict[str, str]:
    return stack._environment  # noqa: SLF001  # what its commands are given


def test_it_has_ports_a_directory_and_a_project_of_its_own(tmp_path: Path) -> None:
    theirs = {"API_PORT": "8000", "STACK_DIR": "/theirs", "COMPOSE_PROJECT_NAME": "theirs", "OBSERVABILITY": "1"}

    stacks = [OwnStack(tmp_path / name, theirs) for name in "ab"]

    ports = [port for stack in stacks for port in stack.ports.values()]
    assert len(set(ports)) == 8
    assert 8000 not in ports
    for stack in stacks:
        environment = environment_of(stack)
        assert environment["API_PORT"] == str(stack.ports["API_PORT"])
        assert environment["STACK_DIR"] == str(stack.directory)
        assert environment["COMPOSE_PROJECT_NAME"] == stack.project != "theirs"
        assert environment["OBSERVABILITY"] == "0"


@pytest.mark.parametrize(
    ("given", "wanted"), [(".:../async-tasks", "{here}:{here}/../async-tasks"), ("/a:", "/a:{here}"), ("", "")]
)
def test_what_is_found_from_the_folder_of_the_tests_is_found_from_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, wanted: str
) -> None:
    monkeypatch.chdir(tmp_path)

    stack = OwnStack(tmp_path, {"PYTHONPATH": given})

    assert environment_of(stack)["PYTHONPATH"] == wanted.format(here=tmp_path)


def test_one_that_is_not_up_is_said_not_to_be(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="is not up"):
        OwnStack(tmp_path, {**os.environ, "MODE": "native"}).settings()


def test_one_that_cannot_start_says_what_its_command_says(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="MODE=swarm is not a mode"):
        OwnStack(tmp_path / "stack", {**os.environ, "MODE": "swarm"}).up()
