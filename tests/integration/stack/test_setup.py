"""stack/setup.sh makes a virtual environment from a lock, and again only where it must."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stack.config import ROOT


class Setup:
    """The script, run on an empty lock, so that nothing is downloaded."""

    def __init__(self, directory: Path) -> None:
        self.venv = directory / "venv"
        self.lock = directory / "lock.txt"
        self.lock.write_text("# nothing\n")

    def run(self, python: str = sys.executable) -> "subprocess.CompletedProcess[str]":
        command = [str(ROOT / "stack" / "setup.sh"), str(self.venv), str(self.lock), "the tools"]
        environment = {**os.environ, "PYTHON": python}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(tmp_path)


def test_it_makes_the_environment_and_says_so(setup: Setup) -> None:
    done = setup.run()

    assert done.returncode == 0, done.stderr
    assert "Installing the tools" in done.stdout
    assert (setup.venv / "bin" / "python").exists()


def test_it_makes_it_again_only_when_the_lock_changes(setup: Setup) -> None:
    setup.run()
    (setup.venv / "mark").touch()

    again = setup.run()
    assert (again.returncode, again.stdout) == (0, "")
    assert (setup.venv / "mark").exists()

    setup.lock.write_text("# something else\n")
    setup.run()
    assert not (setup.venv / "mark").exists()


def test_what_pip_says_is_shown_when_it_fails_and_the_next_run_tries_again(setup: Setup) -> None:
    setup.lock.write_text("no-hash-given==1.0\n")

    for _ in range(2):
        failed = setup.run()
        assert failed.returncode != 0
        assert "hash" in failed.stderr.lower()


def test_an_interpreter_that_is_none_is_refused_with_one_line(setup: Setup) -> None:
    failed = setup.run(python="no-such-python")

    assert failed.returncode != 0
    assert failed.stderr.splitlines() == [
        "Python 3.11 or later is needed, no-such-python is none: install it, or name one with PYTHON=…"
    ]
