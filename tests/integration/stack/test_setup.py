"""stack/setup.sh makes a virtual environment from a lock, again only where it must, and touches nothing else."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pip
import pytest

from stack.config import ROOT
from stack.native.interpreter import lasting
from tests.unprivileged import UNPRIVILEGED

Done = subprocess.CompletedProcess[str]
EMPTY_LOCK = "# nothing\n"
ANOTHER_LOCK = "# something else\n"
FAILING_LOCK = "no-hash-given==1.0\n"


def program(file: Path, script: str) -> Path:
    """Write a shell script that can be run."""
    file.write_text(f"#!/bin/sh\n{script}")
    file.chmod(0o755)
    return file


class Setup:
    """The script, run on an empty lock, so that nothing is downloaded."""

    def __init__(self, directory: Path, python: Path) -> None:
        self._python = python
        self.venv = directory / "a folder" / "venv"
        self.lock = directory / "lock.txt"
        self.lock.write_text(EMPTY_LOCK)

    def run(self, *options: str, python: str | Path | None = None, path: str = os.environ["PATH"]) -> Done:
        command = [*UNPRIVILEGED, *self._command(*options)]
        environment = self._environment(self._python if python is None else python) | {"PATH": path}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603

    def start(self, python: Path) -> subprocess.Popen[str]:
        """Start it, in a process group of its own."""
        return subprocess.Popen(  # noqa: S603
            self._command(), env=self._environment(python), stdout=subprocess.PIPE, text=True, start_new_session=True
        )

    def make(self, lock: str = EMPTY_LOCK) -> Path:
        """Make the environment; returns where it is."""
        self.lock.write_text(lock)
        done = self.run()
        assert done.returncode == 0, done.stderr
        return self.venv.resolve()

    def works(self) -> bool:
        """Whether the environment has an interpreter that finds its packages."""
        return subprocess.run([self.venv / "bin" / "python", "-c", "import pip"], check=False).returncode == 0  # noqa: S603

    def _command(self, *options: str) -> list[str]:
        return [str(ROOT / "stack" / "setup.sh"), *options, str(self.venv), str(self.lock), "the tools"]

    def _environment(self, python: str | Path) -> dict[str, str]:
        return {**os.environ, "PYTHON": str(python)}


@pytest.fixture(scope="session")
def quick_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that makes an environment with the pip that is there, where Python itself takes seconds."""
    return program(
        tmp_path_factory.mktemp("quick") / "quick-python",
        f"""
        if [ "$1 $2" = "-m venv" ]; then
            {shlex.quote(sys.executable)} -m venv --without-pip "$3" || exit
            cd "$3"/lib/python3.*/site-packages && exec ln -s {shlex.quote(pip.__path__[0])} .
        fi
        exec {shlex.quote(sys.executable)} "$@"
        """,
    )


class HeldPython:
    """An interpreter that says when it is to make an environment, and then waits until it may."""

    def __init__(self, directory: Path, python: Path) -> None:
        self._asked = directory / "asked"
        self._allowed = directory / "allowed"
        os.mkfifo(self._asked)
        os.mkfifo(self._allowed)
        self.program = program(
            directory / "held-python",
            f"""
            if [ "$1 $2" = "-m venv" ]; then
                echo >{shlex.quote(str(self._asked))}
                read -r _ <{shlex.quote(str(self._allowed))}
            fi
            exec {shlex.quote(str(python))} "$@"
            """,
        )

    def wait_until_asked(self) -> None:
        self._asked.read_text()

    def allow(self) -> None:
        self._allowed.write_text("\n")


def another_python(file: Path, python: Path) -> Path:
    """An interpreter that says that it is of another version."""
    return program(
        file,
        f"""
        case "$2" in *python_version*) echo 3.99.1; exit ;; esac
        exec {shlex.quote(str(python))} "$@"
        """,
    )


@pytest.fixture
def setup(tmp_path: Path, quick_python: Path) -> Setup:
    return Setup(tmp_path, quick_python)


@pytest.fixture
def held(tmp_path: Path, quick_python: Path) -> HeldPython:
    return HeldPython(tmp_path, quick_python)


@pytest.fixture
def user_of(setup: Setup) -> Iterator[subprocess.Popen[str]]:
    """A program that runs in the environment, as those of a native stack do, until its standard input ends."""
    setup.make()
    python = lasting(setup.venv / "bin" / "python")
    with subprocess.Popen([python, "-c", "import pip; input()"], stdin=subprocess.PIPE, text=True) as program:  # noqa: S603
        yield program


def test_it_makes_the_environment_says_so_and_makes_it_again_only_when_the_lock_changes(setup: Setup) -> None:
    first = setup.run(python=sys.executable)
    assert first.returncode == 0, first.stderr
    assert "Installing the tools" in first.stdout
    made = setup.venv.resolve()
    of_its_pip = subprocess.check_output([setup.venv / "bin" / "pip", "--version"], text=True)  # noqa: S603
    assert str(made) in of_its_pip

    second = setup.run()
    assert (second.returncode, second.stdout) == (0, "")
    assert setup.venv.resolve() == made

    setup.lock.write_text(ANOTHER_LOCK)
    third = setup.run()
    assert "Installing the tools" in third.stdout
    assert setup.venv.resolve() != made
    assert not made.exists()
    assert setup.works()


def test_what_pip_says_is_shown_when_it_fails_and_the_environment_does_not_count_as_made(setup: Setup) -> None:
    setup.lock.write_text(FAILING_LOCK)

    failed = setup.run()

    assert failed.returncode != 0
    assert "hash" in failed.stderr.lower()
    assert not setup.venv.exists()
    assert not list(setup.venv.parent.glob("*/"))


def test_an_environment_that_was_made_works_on_where_the_next_cannot_be_made(setup: Setup) -> None:
    made = setup.make()
    setup.lock.write_text(FAILING_LOCK)

    assert setup.run().returncode != 0

    assert setup.venv.resolve() == made
    assert setup.works()


def test_a_build_that_is_killed_leaves_what_was_made_and_the_next_one_succeeds(setup: Setup, held: HeldPython) -> None:
    made = setup.make()
    setup.lock.write_text(ANOTHER_LOCK)
    with setup.start(held.program) as build:
        held.wait_until_asked()
        os.killpg(build.pid, signal.SIGKILL)

    assert setup.venv.resolve() == made
    assert setup.works()

    assert setup.make(ANOTHER_LOCK) != made
    assert setup.works()


def test_of_two_at_once_the_second_waits_says_for_whom_and_has_nothing_to_do(
    setup: Setup, held: HeldPython, quick_python: Path
) -> None:
    with setup.start(held.program) as first:
        held.wait_until_asked()
        with setup.start(quick_python) as second:
            assert second.stdout is not None
            said = second.stdout.readline()
            held.allow()
            rest, _ = second.communicate()
        first.communicate()

    assert said.startswith(f"Waiting for process {first.pid} to install the tools")
    assert (first.returncode, second.returncode, rest) == (0, 0, "")
    assert setup.works()


def test_another_python_that_comes_first_on_the_path_is_no_reason_to_make_it_again(
    setup: Setup, tmp_path: Path, quick_python: Path
) -> None:
    made = setup.make()
    for name in ("python3", "python3.13", "python3.12", "python3.11"):
        another_python(tmp_path / name, quick_python)

    again = setup.run(python="", path=f"{tmp_path}:{os.environ['PATH']}")

    assert (again.returncode, again.stdout) == (0, "")
    assert setup.venv.resolve() == made


def test_another_python_that_is_named_is(setup: Setup, tmp_path: Path, quick_python: Path) -> None:
    made = setup.make()

    again = setup.run(python=another_python(tmp_path / "another-python", quick_python))

    assert "with Python 3.99.1" in again.stdout
    assert setup.venv.resolve() != made


def test_what_was_made_before_will_do_for_those_who_look_at_a_stack(setup: Setup) -> None:
    made = setup.make()
    setup.lock.write_text(FAILING_LOCK)

    done = setup.run("--any", python="no-such-python")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert setup.venv.resolve() == made


def test_they_make_it_where_there_is_none(setup: Setup) -> None:
    assert setup.run("--any").returncode == 0
    assert setup.works()


def test_a_program_keeps_the_environment_that_it_was_started_in(setup: Setup, user_of: subprocess.Popen[str]) -> None:
    used = setup.venv.resolve()

    setup.make(ANOTHER_LOCK)
    assert (used / "bin" / "python").exists()

    user_of.communicate("\n")
    setup.make(EMPTY_LOCK + ANOTHER_LOCK)
    assert not used.exists()


def test_an_environment_that_was_made_in_place_is_replaced(setup: Setup) -> None:
    made = setup.make()
    setup.venv.unlink()
    made.rename(setup.venv)

    setup.make(ANOTHER_LOCK)

    assert setup.works()
    assert [each.name for each in setup.venv.parent.glob("*/") if each.name != setup.venv.name] == [
        setup.venv.resolve().name
    ]


def test_an_empty_folder_is_replaced(setup: Setup) -> None:
    setup.venv.mkdir(parents=True)
    setup.make()
    assert setup.works()


@pytest.mark.parametrize("options", [(), ("--any",), ("--remove",)])
@pytest.mark.parametrize("kind", ["folder", "file", "virtual environment"])
def test_what_is_somebodys_own_is_neither_replaced_nor_removed(
    setup: Setup, options: tuple[str, ...], kind: str
) -> None:
    own = {"folder": setup.venv / "notes.txt", "file": setup.venv}.get(kind, setup.venv / "bin" / "python")
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text("mine")
    own.chmod(0o755)
    beside = setup.venv.with_name(f"{setup.venv.name}.made-of-paper")
    beside.mkdir()
    (beside / "notes.txt").write_text("mine")

    done = setup.run(*options)

    if options != ("--remove",):
        assert done.returncode != 0
        assert done.stderr.startswith(f"{setup.venv} is there already, and this project has not made it")
    assert own.read_text() == (beside / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("folder", ["/", ".", ".."])
def test_a_folder_that_can_be_none_of_its_own_is_refused(setup: Setup, folder: str) -> None:
    setup.venv = Path(folder)
    assert f"{folder} is there already, and this project has not made it" in setup.run().stderr


def test_all_that_it_has_made_can_be_removed_what_is_half_made_too(setup: Setup, held: HeldPython) -> None:
    setup.make()
    setup.lock.write_text(ANOTHER_LOCK)
    with setup.start(held.program) as build:
        held.wait_until_asked()
        os.killpg(build.pid, signal.SIGKILL)

    assert setup.run("--remove").returncode == 0

    assert not list(setup.venv.parent.iterdir())


def test_of_a_link_to_an_environment_that_others_share_the_link_is_removed(setup: Setup) -> None:
    made = setup.make()
    link = setup.venv.with_name("link")
    link.symlink_to(made)
    setup.venv = link

    assert setup.run("--remove").returncode == 0

    assert not link.is_symlink()
    assert (made / "bin" / "python").exists()


def test_a_place_that_cannot_be_written_to_is_reported_in_a_line(setup: Setup) -> None:
    setup.venv.parent.mkdir()
    setup.venv.parent.chmod(0o555)

    failed = setup.run()

    assert failed.returncode != 0
    assert failed.stderr == (
        f"the tools cannot be installed into {setup.venv}: {setup.venv.parent} cannot be written to. "
        "Name another folder with VENV=…\n"
    )


def test_an_interpreter_that_is_none_is_refused_with_one_line(setup: Setup) -> None:
    failed = setup.run(python="no-such-python")

    assert failed.returncode != 0
    assert failed.stderr.splitlines() == [
        "Python 3.11 or later is needed, no-such-python is none: install it, or name one with PYTHON=…"
    ]
