"""The Makefile runs the stack's commands with the shell's settings, and in the environment that is there."""

import os
import subprocess
from pathlib import Path

import pytest

from stack.config import ROOT

OWN_OF_MAKE = {"MAKEFLAGS", "MAKELEVEL", "MAKE_TERMERR", "MAKE_TERMOUT", "MFLAGS", "MAKEOVERRIDES"}
OF_SH = {"OLDPWD", "PWD", "SHLVL", "_"}


class Environment:
    """A virtual environment of `make`'s, whose interpreter writes down how it is called."""

    def __init__(self, directory: Path) -> None:
        self._venv = directory / "an environment"
        python = self._venv / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(
            f"""#!/bin/sh
            case "$2" in *python_version*) echo 3.11.0; exit ;; esac
            printf '%s\\n' "$@" >'{directory}/arguments'
            env -0 >'{directory}/environment'
            """
        )
        python.chmod(0o755)
        self._directory = directory
        self.made_from(ROOT / "requirements" / "dev.txt")

    def made_from(self, lock: Path) -> None:
        with lock.open() as file:
            checksum = subprocess.check_output(["cksum"], stdin=file, text=True)  # noqa: S607
        (self._venv / "made-from").write_text(f"3.11.0 {checksum}")

    def make(self, *arguments: str, **shell: str) -> subprocess.CompletedProcess[str]:
        """Run `make` with these settings in the shell, above nothing but PATH."""
        environment = {"PATH": os.environ["PATH"], "VENV": str(self._venv), **shell}
        command = ["make", "--no-print-directory", *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603

    @property
    def arguments(self) -> list[str]:
        return (self._directory / "arguments").read_text().splitlines()

    @property
    def settings(self) -> dict[str, str]:
        """What the interpreter found set, but for what `make` and `sh` have for themselves."""
        found = (self._directory / "environment").read_text().rstrip("\0").split("\0")
        settings = dict(each.split("=", 1) for each in found)
        return {name: value for name, value in settings.items() if name not in {*OWN_OF_MAKE, *OF_SH, "PATH", "VENV"}}


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path)


@pytest.mark.parametrize("shell", [{}, {"MODE": "native"}, {"OBSERVABILITY": "", "PYTHON": ""}])
def test_a_command_has_the_settings_of_the_shell_and_no_other(environment: Environment, shell: dict[str, str]) -> None:
    done = environment.make("up", **shell)

    assert done.returncode == 0, done.stderr
    assert environment.settings == shell


def test_a_setting_can_be_given_to_make(environment: Environment) -> None:
    environment.make("up", "MODE=native", "OBSERVABILITY=1", "API_PORT=8001")

    assert environment.settings == {"MODE": "native", "OBSERVABILITY": "1", "API_PORT": "8001"}


@pytest.mark.parametrize("command", ["down", "ps", "logs", "trace", "tail", "submit", "dlq"])
def test_what_looks_at_a_stack_or_stops_it_runs_in_whatever_environment_is_there(
    environment: Environment, command: str
) -> None:
    environment.made_from(ROOT / "requirements" / "localstack.txt")

    done = environment.make(command, "TASK=1", "FILE=-", PYTHON="no-such-python")

    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert environment.arguments[:4] == ["-u", "-m", "stack", command]


@pytest.mark.parametrize("lock", ["stack.txt", "dev.txt"])
@pytest.mark.parametrize("command", ["up", "demo"])
def test_what_starts_a_stack_runs_in_the_environment_of_its_lock_or_of_the_development_tools(
    environment: Environment, command: str, lock: str
) -> None:
    environment.made_from(ROOT / "requirements" / lock)

    done = environment.make(command)

    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert environment.arguments[:4] == ["-u", "-m", "stack", command]


@pytest.mark.parametrize(
    ("command", "lock"),
    [("up", "localstack.txt"), ("demo", "localstack.txt"), ("check", "stack.txt"), ("test-unit", "stack.txt")],
)
def test_what_starts_or_checks_something_wants_an_environment_with_all_that_it_needs(
    environment: Environment, command: str, lock: str
) -> None:
    environment.made_from(ROOT / "requirements" / lock)

    done = environment.make(command, PYTHON="no-such-python")

    assert done.returncode != 0
    assert "no-such-python is none" in done.stderr


@pytest.mark.parametrize("option", ["--help", "--json"])
@pytest.mark.parametrize("command", ["ps", "logs", "trace", "tail", "submit", "demo", "dlq"])
def test_options_go_to_the_command(environment: Environment, command: str, option: str) -> None:
    environment.make(command, f"ARGS={option}")

    assert environment.arguments[3] == command
    assert environment.arguments[-1] == option


def test_what_goes_to_aws_is_named_to_make(environment: Environment) -> None:
    environment.make("deploy", "STACK=tasks", "TARGET=lambda", "MACHINE=arm64", "DRY_RUN=1", "ARGS=--json")
    options = ["--target", "lambda", "--stack", "tasks", "--machine", "arm64", "--dry-run", "--json"]
    assert environment.arguments[3:] == ["deploy", *options]

    environment.make("undeploy", "STACK=tasks", "FORCE=1")
    assert environment.arguments[3:] == ["undeploy", "--stack", "tasks", "--force"]


def test_what_is_not_named_is_left_to_the_command(environment: Environment) -> None:
    environment.make("deploy", STACK="tasks")

    assert environment.arguments[3:] == ["deploy", "--target", "lambda", "--stack", "tasks"]


def test_an_empty_venv_is_as_none() -> None:
    done = subprocess.run(["make", "--dry-run", "ps", "VENV="], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607
    assert ".venv/bin" in done.stdout
