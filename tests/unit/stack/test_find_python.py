"""stack/find_python.sh names the newest Python that is found and runs, on PATH before what pyenv and uv have."""

import subprocess
from pathlib import Path

import pytest

from stack.config import ROOT

RUNS = "exit 0"
LACKS_A_PART = 'case "$2" in *sqlite3*) echo >&2 "ModuleNotFoundError: No module named _sqlite3"; exit 1;; esac'
# pyenv has one of each version that it knows, whether or not it may be used here.
IS_A_NAME_ALONE = "echo >&2 'pyenv: command not found'; exit 127"


class Machine:
    """A machine with these interpreters, each a tiny script, and no other."""

    def __init__(self, directory: Path) -> None:
        self._home = directory / "a home"
        self.path = directory / "bin"
        self.pyenv = self._home / ".pyenv" / "versions"
        self.uv = self._home / ".local" / "share" / "uv" / "python"

    def install(self, interpreter: Path, script: str = RUNS) -> Path:
        interpreter.parent.mkdir(parents=True, exist_ok=True)
        interpreter.write_text(f"#!/bin/sh\n{script}\n")
        interpreter.chmod(0o755)
        return interpreter

    def find(self, *version: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(  # noqa: S603  # our own program
            ["/bin/sh", str(ROOT / "stack" / "find_python.sh"), *version],
            env={"HOME": str(self._home), "PATH": str(self.path), **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def found(self, *version: str, **environment: str) -> Path:
        done = self.find(*version, **environment)
        assert (done.returncode, done.stderr) == (0, "")
        return Path(done.stdout.removesuffix("\n"))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_newest_is_taken_whatever_comes_first_on_the_path(machine: Machine) -> None:
    machine.install(machine.path / "python3")
    machine.install(machine.path / "python3.11")
    newest = machine.install(machine.path / "python3.13")
    machine.install(machine.path / "python3.12")

    assert machine.found() == newest


def test_one_that_is_newer_than_what_the_tests_run_on_is_none_of_them(machine: Machine) -> None:
    machine.install(machine.path / "python3.14")
    tested = machine.install(machine.path / "python3.11")

    assert machine.found() == tested


def test_a_name_that_runs_nothing_is_passed_over_for_what_pyenv_has_of_that_version(machine: Machine) -> None:
    machine.install(machine.path / "python3.13", IS_A_NAME_ALONE)
    machine.install(machine.path / "python3.11")
    of_pyenv = machine.install(machine.pyenv / "3.13.0" / "bin" / "python3.13")

    assert machine.found() == of_pyenv


def test_what_uv_has_is_found(machine: Machine) -> None:
    machine.install(machine.path / "python3.11")
    of_uv = machine.install(machine.uv / "cpython-3.13.9-linux-x86_64-gnu" / "bin" / "python3.13")

    assert machine.found() == of_uv


def test_they_are_found_where_they_were_told_to_put_them(machine: Machine, tmp_path: Path) -> None:
    of_uv = machine.install(tmp_path / "of uv" / "cpython-3.12.1-macos-aarch64-none" / "bin" / "python3.12")
    of_pyenv = machine.install(tmp_path / "of pyenv" / "versions" / "3.13.1" / "bin" / "python3.13")

    assert machine.found(UV_PYTHON_INSTALL_DIR=str(tmp_path / "of uv")) == of_uv
    assert machine.found(PYENV_ROOT=str(tmp_path / "of pyenv")) == of_pyenv


def test_on_the_path_comes_before_what_is_installed_beside(machine: Machine) -> None:
    machine.install(machine.pyenv / "3.13.0" / "bin" / "python3.13")
    on_path = machine.install(machine.path / "python3.13")

    assert machine.found() == on_path


def test_one_that_lacks_what_the_stack_needs_comes_after_an_older_one_that_has_it(machine: Machine) -> None:
    machine.install(machine.path / "python3.13", LACKS_A_PART)
    whole = machine.install(machine.path / "python3.12")

    assert machine.found() == whole


def test_where_none_has_it_all_the_newest_is_taken_and_whoever_uses_it_says_what_is_missing(machine: Machine) -> None:
    newest = machine.install(machine.path / "python3.13", LACKS_A_PART)
    machine.install(machine.path / "python3.12", LACKS_A_PART)

    assert machine.found() == newest


def test_a_version_that_is_asked_for_is_that_or_none(machine: Machine) -> None:
    machine.install(machine.path / "python3.13")
    asked_for = machine.install(machine.path / "python3.11")

    assert machine.found("3.11") == asked_for
    assert machine.find("3.12").returncode == 1


def test_where_there_is_none_that_is_its_exit_status_and_nothing_is_printed(machine: Machine) -> None:
    machine.install(machine.path / "python3.13", IS_A_NAME_ALONE)

    done = machine.find()

    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
