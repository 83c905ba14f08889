"""A checkout of the project: one by a Git for Windows, and one that may only be read."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.config import ROOT
from tests.unprivileged import UNPRIVILEGED


def git(*arguments: str, **environment: str) -> str:
    """Run Git with nobody's configuration."""
    nobodys = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
    identity = ["-c", "user.name=nobody", "-c", "user.email=nobody@localhost"]
    return subprocess.check_output(["git", *identity, *arguments], env=nobodys | environment, text=True)  # noqa: S603, S607


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of the files as they are now."""
    directory = tmp_path_factory.mktemp("repository") / ".git"
    git("init", "--quiet", "--bare", str(directory))
    work_tree = [f"--git-dir={directory}", f"--work-tree={ROOT}", "-c", "core.bare=false"]
    git(*work_tree, "add", "--all", str(ROOT))
    git(*work_tree, "commit", "--quiet", "--message", "All")
    return directory


@pytest.fixture
def checkout(repository: Path, tmp_path: Path) -> Path:
    git("clone", "--quiet", str(repository), str(tmp_path / "checkout"))
    return tmp_path / "checkout"


@pytest.fixture
def read_only(checkout: Path) -> Iterator[Path]:
    """A checkout that nobody may write to."""
    directories = [checkout, *(each for each in checkout.rglob("*") if each.is_dir())]
    for each in directories:
        each.chmod(0o555)
    yield checkout
    for each in directories:
        each.chmod(0o755)


# `make test VENV=…` gives its variables to every make below it.
SET_BY_OTHERS = {"STACK_DIR", "VENV", "PYTHONPATH", "MAKEFLAGS", "MAKELEVEL"}


def run(checkout: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the checkout, as one whom the permissions bind."""
    found = {name: value for name, value in os.environ.items() if name not in SET_BY_OTHERS}
    return subprocess.run(  # noqa: S603
        [*UNPRIVILEGED, *command], cwd=checkout, env=found | environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("configuration", ["core.autocrlf=true", "core.eol=crlf"])
def test_a_checkout_on_windows_has_the_same_bytes(
    repository: Path, checkout: Path, tmp_path: Path, configuration: str
) -> None:
    on_windows = tmp_path / "on windows"
    git("-c", configuration, "clone", "--quiet", str(repository), str(on_windows))

    files = git(f"--git-dir={repository}", "ls-files", "-z").rstrip("\0").split("\0")
    assert "stack/setup.sh" in files
    other = [each for each in files if (on_windows / each).read_bytes() != (checkout / each).read_bytes()]
    assert other == []


@pytest.mark.parametrize("named", ["VENV", "STACK_DIR"])
@pytest.mark.parametrize("folder", ["own", "a folder of ones own", "."])
def test_make_clean_removes_nothing_that_is_not_the_projects(checkout: Path, named: str, folder: str) -> None:
    notes = checkout / folder / "notes.txt"
    notes.parent.mkdir(exist_ok=True)
    notes.write_text("mine")

    no_engine = f"unix://{checkout}/none.sock"
    done = run(checkout, "make", "clean", **{named: folder, "DOCKER_HOST": no_engine})

    assert done.returncode == 0, done.stderr
    assert notes.read_text() == "mine"
    assert (checkout / "localstack-init" / "queues.json").exists()


def test_where_nothing_can_be_written_the_environment_needs_another_place(read_only: Path) -> None:
    done = run(read_only, "make", "ps")

    assert done.returncode != 0
    assert ".venv: . cannot be written to. Name another folder with VENV=…" in done.stderr


def test_where_nothing_can_be_written_the_state_needs_another_place(read_only: Path) -> None:
    done = run(read_only, sys.executable, "-m", "stack", "up", MODE="native")

    assert done.returncode == 1
    assert done.stderr == (
        f"{read_only}/.stack/lock cannot be written (Permission denied): "
        "let it belong to you, or name another directory with STACK_DIR.\n"
    )


def test_what_follows_from_the_code_need_not_be_written_where_it_is_in_sync(read_only: Path) -> None:
    done = run(read_only, sys.executable, "-m", "stack", "generate")

    assert (done.returncode, done.stderr) == (0, "")


def test_what_cannot_be_written_is_said_in_a_line(read_only: Path) -> None:
    queues = read_only / "localstack-init" / "queues.json"
    queues.write_text("{}")
    queues.chmod(0o444)

    done = run(read_only, sys.executable, "-m", "stack", "generate")

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"{queues} does not follow from the code, and cannot be written (Permission denied)."
    ]
