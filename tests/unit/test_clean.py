"""`make clean` removes the stack's state only where the stack could be stopped, and never what was saved."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from stack.config import ROOT

STATE = ("lock", "stack.json", "receiver.sqlite3")
SAVED = "saved-messages.json"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with the Makefile, all folders that it names, and a stack's state and saved messages."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    [sources] = re.findall(r"^SOURCES = (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for folder in [*sources.split(), ".stack/logs"]:
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(ROOT / "stack" / "setup.sh", tmp_path / "stack")
    for name in (*STATE, SAVED):
        (tmp_path / ".stack" / name).touch()
    return tmp_path


def clean(clone: Path, *variables: str, stack_exits_with: int) -> "subprocess.CompletedProcess[str]":
    """Run `make clean` with an environment whose Python, asked for the stack's command, exits so."""
    python = clone / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho "$@"\nexit {stack_exits_with}\n')
    python.chmod(0o755)
    without_make = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "VENV"}}
    return subprocess.run(  # noqa: S603
        ["make", "clean", *variables],  # noqa: S607
        cwd=clone,
        env=without_make,
        capture_output=True,
        text=True,
        check=False,
    )


def test_nothing_is_removed_where_the_stack_cannot_be_stopped(clone: Path) -> None:
    done = clean(clone, stack_exits_with=1)

    assert done.returncode != 0
    assert all((clone / ".stack" / name).exists() for name in (*STATE, SAVED))
    assert (clone / ".venv").exists()


def test_the_state_is_removed_and_what_was_queued_is_kept(clone: Path) -> None:
    done = clean(clone, stack_exits_with=0)

    assert done.returncode == 0, done.stderr
    assert [path.name for path in (clone / ".stack").iterdir()] == [SAVED]
    assert f"What was queued stays in .stack/{SAVED}" in done.stdout

    shutil.rmtree(clone / ".venv", ignore_errors=True)
    assert clean(clone, "FORCE=1", stack_exits_with=0).returncode == 0
    assert not (clone / ".stack").exists()


def test_what_is_kept_is_kept_however_the_folder_is_named(clone: Path) -> None:
    directory = clone / "state [of] *"
    directory.mkdir()
    (directory / SAVED).touch()
    (directory / "lock").touch()
    broker_has_kept_something(directory)

    done = clean(clone, f"STACK_DIR={directory.name}/", stack_exits_with=0)

    assert done.returncode == 0, done.stderr
    assert {path.name for path in directory.iterdir()} == {SAVED, "kept-messages.json", "fauxqs"}
    assert (directory / "fauxqs" / "data" / "fauxqs.db").exists()


@pytest.mark.parametrize("stack_exits_with", [0, 1])
def test_force_removes_what_was_queued_too(clone: Path, stack_exits_with: int) -> None:
    done = clean(clone, "FORCE=1", stack_exits_with=stack_exits_with)

    assert done.returncode == 0, done.stderr
    assert "-m stack clean --force" in done.stdout
    assert not (clone / ".stack").exists()


def broker_has_kept_something(directory: Path) -> None:
    (directory / "kept-messages.json").touch()
    (directory / "fauxqs" / "data").mkdir(parents=True)
    (directory / "fauxqs" / "data" / "fauxqs.db").touch()


def test_what_a_broker_keeps_is_kept_with_its_own_files(clone: Path) -> None:
    broker_has_kept_something(clone / ".stack")

    done = clean(clone, stack_exits_with=0)

    assert done.returncode == 0, done.stderr
    assert {path.name for path in (clone / ".stack").iterdir()} == {SAVED, "kept-messages.json", "fauxqs"}
    assert (clone / ".stack" / "fauxqs" / "data" / "fauxqs.db").exists()
    assert "What fauxqs keeps stays in .stack/fauxqs" in done.stdout

    shutil.rmtree(clone / ".venv", ignore_errors=True)
    assert clean(clone, "FORCE=1", stack_exits_with=0).returncode == 0
    assert not (clone / ".stack").exists()
