"""stack/setup.sh makes a virtual environment from a lock, and again only where it must."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stack.config import ROOT

Done = subprocess.CompletedProcess[str]


class Setup:
    """The script, run on an empty lock, so that nothing is downloaded."""

    def __init__(self, directory: Path) -> None:
        self.venv = directory / "venv"
        self.lock = directory / "lock.txt"
        self.lock.write_text("# nothing\n")

    def run(self, python: str = sys.executable) -> Done:
        command = [str(ROOT / "stack" / "setup.sh"), str(self.venv), str(self.lock), "the tools"]
        environment = {**os.environ, "PYTHON": python}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(tmp_path)


def test_it_makes_the_environment_says_so_and_makes_it_again_only_when_the_lock_changes(setup: Setup) -> None:
    first = setup.run()
    assert first.returncode == 0, first.stderr
    assert "Installing the tools" in first.stdout
    mark = setup.venv / "bin" / "mark"
    mark.touch()

    second = setup.run()
    assert (second.returncode, second.stdout) == (0, "")
    assert mark.exists()

    setup.lock.write_text("# something else\n")
    third = setup.run()
    assert "Installing the tools" in third.stdout
    assert not mark.exists()


def test_what_pip_says_is_shown_when_it_fails_and_the_environment_does_not_count_as_made(setup: Setup) -> None:
    setup.lock.write_text("no-hash-given==1.0\n")

    failed = setup.run()

    assert failed.returncode != 0
    assert "hash" in failed.stderr.lower()
    assert not (setup.venv / "made-from").exists()


def test_an_interpreter_that_is_none_is_refused_with_one_line(setup: Setup) -> None:
    failed = setup.run(python="no-such-python")

    assert failed.returncode != 0
    assert failed.stderr.splitlines() == [
        "Python 3.11 or later is needed, no-such-python is none: install it, or name one with PYTHON=…"
    ]
