"""stack/setup.sh makes a virtual environment from a lock, again only where it must, and touches nothing else."""

import os
import platform
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from stack.config import ROOT
from stack.interpreter import lasting
from tests.package_index import CODE, PackageIndex, running_index, wheel
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
    """The script, run on an empty lock, so that nothing is downloaded, and with uv at hand."""

    def __init__(self, directory: Path) -> None:
        # This environment has a uv of its own.
        self._python = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
        self.venv = directory / "a folder" / "venv"
        self.lock = directory / "lock.txt"
        self.lock.write_text(EMPTY_LOCK)
        self.environment: Mapping[str, str] = os.environ
        self.project: Path | None = None
        self._uv = directory / "a folder" / "venv-uv"
        self._give_uv()

    def run(self, *options: str, python: str | Path | None = None, path: str = os.environ["PATH"]) -> Done:
        command = [*UNPRIVILEGED, *self._command(*options)]
        environment = {**self._environment(python), "PATH": path}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603

    def start(self, python: Path | None = None) -> subprocess.Popen[str]:
        """Start it, in a process group of its own."""
        return subprocess.Popen(  # noqa: S603
            self._command(),
            env=self._environment(python),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def make(self, lock: str = EMPTY_LOCK) -> Path:
        """Make the environment; returns where it is."""
        self.lock.write_text(lock)
        done = self.run()
        assert done.returncode == 0, done.stderr
        return self.venv.resolve()

    def made(self) -> list[Path]:
        """All that there is of it, but for what others of its kind wait by."""
        beside = self.venv.parent.glob(f"{self.venv.name}*")
        return sorted(each for each in beside if each != self._uv and each.suffix != ".made-lock")

    def works(self) -> bool:
        """Whether it has an interpreter, whose environment it is."""
        code = "import sys; sys.exit(sys.prefix == sys.base_prefix)"
        return subprocess.run([self.venv / "bin" / "python", "-c", code], check=False).returncode == 0  # noqa: S603

    def output_of(self, name: str) -> str:
        """What a program of it prints."""
        return subprocess.check_output([self.venv / "bin" / name], text=True).strip()  # noqa: S603

    def take_uv_away(self) -> None:
        """Make it as on a machine that had none yet."""
        shutil.rmtree(self._uv)

    def _give_uv(self) -> None:
        """Pretend that it was made already: uv and pip are those of this environment."""
        (self._uv / "bin").mkdir(parents=True)
        program(self._uv / "bin" / "python", f'exec {shlex.quote(sys.executable)} "$@"')
        with (ROOT / "requirements" / "uv.txt").open() as lock:
            checksum = subprocess.check_output(["cksum"], stdin=lock, text=True)  # noqa: S607
        (self._uv / "made-from").write_text(f"{platform.python_version()} {checksum}")

    def _environment(self, python: str | Path | None) -> dict[str, str]:
        return {**self.environment, "PYTHON": str(self._python if python is None else python)}

    def _command(self, *options: str) -> list[str]:
        others = [each for each in options if not each.startswith("--")]
        flags = [each for each in options if each.startswith("--")]
        if self.project:
            flags += ["--project", str(self.project)]
        return [str(ROOT / "stack" / "setup.sh"), *flags, str(self.venv), str(self.lock), "the tools", *others]


class HeldPython:
    """An interpreter that says when it is to make an environment, and then waits until it may."""

    def __init__(self, directory: Path) -> None:
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
            exec {shlex.quote(sys.executable)} "$@"
            """,
        )

    def wait_until_asked(self) -> None:
        self._asked.read_text()

    def allow(self) -> None:
        self._allowed.write_text("\n")


def another_python(file: Path) -> Path:
    """An interpreter that says that it is of another version."""
    return program(
        file,
        f"""
        case "$2" in *python_version*) echo 3.99.1; exit ;; esac
        exec {shlex.quote(sys.executable)} "$@"
        """,
    )


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(tmp_path)


@pytest.fixture
def index(setup: Setup, tmp_path: Path) -> Iterator[PackageIndex]:
    """The only index that pip knows, with a package that is in the lock."""
    with running_index() as index:
        setup.lock.write_text(index.lock)
        setup.environment = index.environment(tmp_path)
        yield index


@pytest.fixture
def project(setup: Setup, tmp_path: Path) -> Path:
    """A project of one's own task types, with a package."""
    setup.project = tmp_path / "a project"
    (setup.project / "acme").mkdir(parents=True)
    (setup.project / "acme" / "__init__.py").touch()
    return setup.project


@pytest.fixture
def held(tmp_path: Path) -> HeldPython:
    return HeldPython(tmp_path)


@pytest.fixture(params=["interpreter", "program of a package"])
def user_of(setup: Setup, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """A program that runs in the environment, as those of a native stack do, until its standard input ends."""
    made = setup.make()
    command: list[Path | str] = [lasting(setup.venv / "bin" / "python"), "-c", "input()"]
    if request.param == "program of a package":
        # As Node.js from PyPI is.
        command = [made / "lib" / "node"]
        (made / "lib" / "node").symlink_to("/bin/cat")
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as program:  # noqa: S603
        yield program


def test_it_makes_the_environment_says_so_and_makes_it_again_only_when_the_lock_changes(setup: Setup) -> None:
    first = setup.run()
    assert first.returncode == 0, first.stderr
    assert "Installing the tools" in first.stdout
    made = setup.venv.resolve()

    second = setup.run()
    assert (second.returncode, second.stdout) == (0, "")
    assert setup.venv.resolve() == made

    setup.lock.write_text(ANOTHER_LOCK)
    third = setup.run()
    assert "Installing the tools" in third.stdout
    assert setup.venv.resolve() != made
    assert not made.exists()
    assert setup.works()


def test_what_uv_and_pip_say_is_shown_when_they_fail_and_the_environment_does_not_count_as_made(setup: Setup) -> None:
    setup.lock.write_text(FAILING_LOCK)

    failed = setup.run()

    assert failed.returncode != 0
    assert "In `--require-hashes` mode, all requirements must have a hash" in failed.stderr
    assert "uv cannot install it, see above: pip tries to" in failed.stderr
    assert "no-hash-given==1.0" in failed.stderr.rpartition("pip tries to")[-1]
    assert not setup.made()


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


def test_of_two_at_once_the_second_waits_says_for_whom_and_has_nothing_to_do(setup: Setup, held: HeldPython) -> None:
    with setup.start(held.program) as first:
        held.wait_until_asked()
        with setup.start() as second:
            assert second.stdout is not None
            said = second.stdout.readline()
            held.allow()
            rest, _ = second.communicate()
        first.communicate()

    assert said.startswith(f"Waiting for process {first.pid} to install the tools")
    assert (first.returncode, second.returncode, rest) == (0, 0, "")
    assert setup.works()


def test_another_python_that_comes_first_on_the_path_is_no_reason_to_make_it_again(
    setup: Setup, tmp_path: Path
) -> None:
    made = setup.make()
    for name in ("python3", "python3.13", "python3.12", "python3.11"):
        another_python(tmp_path / name)

    again = setup.run(python="", path=f"{tmp_path}:{os.environ['PATH']}")

    assert (again.returncode, again.stdout) == (0, "")
    assert setup.venv.resolve() == made


def test_a_python_that_runs_nothing_is_passed_over(setup: Setup, tmp_path: Path) -> None:
    # pyenv has one of each version that it knows, whether or not it may be used here.
    program(tmp_path / "python3.13", "echo >&2 'pyenv: python3.13: command not found'; exit 127")

    done = setup.run(python="", path=f"{tmp_path}:{os.environ['PATH']}")

    assert done.returncode == 0, done.stderr
    assert setup.works()


def test_another_python_that_is_named_is(setup: Setup, tmp_path: Path) -> None:
    made = setup.make()

    again = setup.run(python=another_python(tmp_path / "another-python"))

    assert "with Python 3.99.1" in again.stdout
    assert setup.venv.resolve() != made


def test_an_environment_that_was_made_from_a_larger_lock_will_do(setup: Setup, tmp_path: Path) -> None:
    made = setup.make(ANOTHER_LOCK)
    larger = tmp_path / "larger.txt"
    larger.write_text(ANOTHER_LOCK)
    setup.lock.write_text(FAILING_LOCK)

    done = setup.run(str(larger))

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert setup.venv.resolve() == made


def test_one_that_was_made_from_neither_will_not(setup: Setup, tmp_path: Path) -> None:
    made = setup.make(ANOTHER_LOCK)
    larger = tmp_path / "larger.txt"
    larger.write_text(FAILING_LOCK)
    setup.lock.write_text(EMPTY_LOCK)

    done = setup.run(str(larger))

    assert done.returncode == 0, done.stderr
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
    assert setup.made() == [setup.venv, setup.venv.resolve()]


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

    assert not list(setup.venv.parent.glob("venv.*"))
    assert not setup.made()


def test_of_a_link_to_an_environment_that_others_share_the_link_is_removed(setup: Setup) -> None:
    made = setup.make()
    link = setup.venv.with_name("link")
    link.symlink_to(made)
    setup.venv = link

    assert setup.run("--remove").returncode == 0

    assert not link.is_symlink()
    assert (made / "bin" / "python").exists()


def test_a_place_that_cannot_be_written_to_is_reported_in_a_line(setup: Setup) -> None:
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


def test_uv_installs_from_the_index_that_pip_knows(setup: Setup, index: PackageIndex) -> None:
    done = setup.run()

    assert (done.returncode, done.stderr) == (0, "")
    assert setup.output_of("probe") == str(setup.venv.resolve())
    assert set(index.clients) == {"uv"}


def test_a_file_may_say_which_that_is(setup: Setup, index: PackageIndex, tmp_path: Path) -> None:
    file = tmp_path / "pip.conf"
    file.write_text(f"[global]\nindex-url = {index.url}\n")
    setup.environment = {**setup.environment, "PIP_CONFIG_FILE": str(file), "PIP_INDEX_URL": ""}

    done = setup.run()

    assert (done.returncode, done.stderr) == (0, "")
    assert set(index.clients) == {"uv"}


def test_what_is_installed_is_compiled(setup: Setup, index: PackageIndex) -> None:
    setup.make(index.lock)
    assert list(setup.venv.glob("lib/*/site-packages/__pycache__/probe.*.pyc"))


@pytest.mark.parametrize("refused", ["", "uv"])
def test_of_what_is_loaded_little_nothing_is_compiled(setup: Setup, index: PackageIndex, refused: str) -> None:
    index.refused = refused
    setup.environment = {**setup.environment, "UV_COMPILE_BYTECODE": "1"}

    done = setup.run("--lazy")

    assert done.returncode == 0, done.stderr
    assert list(setup.venv.glob("lib/*/site-packages/probe.py"))
    assert not list(setup.venv.glob("lib/*/site-packages/__pycache__"))


def test_what_has_another_hash_is_refused_and_reported(setup: Setup, index: PackageIndex) -> None:
    index.wheel = wheel(code=CODE + "# tampered with\n")

    failed = setup.run()

    assert failed.returncode != 0
    assert "Hash mismatch for `probe==1.0`" in failed.stderr
    assert not setup.made()


def test_pip_installs_what_uv_cannot(setup: Setup, index: PackageIndex) -> None:
    index.refused = "uv"

    done = setup.run()

    assert done.returncode == 0, done.stderr
    assert "uv cannot install it, see above: pip tries to" in done.stderr
    assert setup.output_of("probe") == str(setup.venv.resolve())


@pytest.mark.parametrize("option", ["PIP_NO_BINARY", "PIP_KEYRING_PROVIDER"])
def test_pip_installs_where_it_is_set_to_what_uv_does_not_know(setup: Setup, index: PackageIndex, option: str) -> None:
    setup.environment = {**setup.environment, option: {"PIP_NO_BINARY": "another"}.get(option, "disabled")}

    done = setup.run()

    assert (done.returncode, done.stderr) == (0, "")
    assert set(index.clients) == {"pip"}


def test_pip_installs_where_uv_cannot_be_had(setup: Setup, index: PackageIndex) -> None:
    setup.take_uv_away()

    done = setup.run()

    assert done.returncode == 0, done.stderr
    assert "uv cannot be had, see above: pip installs the tools" in done.stdout
    assert setup.output_of("probe") == str(setup.venv.resolve())
    assert set(index.clients) == {"pip"}


def test_a_home_that_cannot_be_written_to_is_none_the_less_enough(setup: Setup, index: PackageIndex) -> None:
    without_cache = {
        name: value for name, value in setup.environment.items() if name not in {"UV_CACHE_DIR", "PIP_NO_CACHE_DIR"}
    }
    setup.environment = {**without_cache, "HOME": "/proc"}

    setup.make(index.lock)

    assert setup.output_of("probe") == str(setup.venv.resolve())


def test_ctrl_c_leaves_what_was_made_and_says_nothing_of_how_it_is_done(setup: Setup, index: PackageIndex) -> None:
    made = setup.make()
    setup.lock.write_text(index.lock)
    index.answers.clear()
    index.asked.clear()
    with setup.start() as build:
        index.asked.wait()
        os.killpg(build.pid, signal.SIGINT)
        _, complaints = build.communicate()

    assert build.returncode != 0
    assert complaints == ""
    assert setup.venv.resolve() == made

    index.answers.set()
    assert setup.make(index.lock) != made
    assert setup.output_of("probe") == str(setup.venv.resolve())


def test_the_environment_of_a_project_finds_its_packages_and_those_of_the_clone(setup: Setup, project: Path) -> None:
    setup.make()

    code = "import acme, stack.config; print(acme.__file__); print(stack.config.ROOT)"
    python = setup.venv / "bin" / "python"
    # Those of the services need what an empty lock does not have.
    printed = subprocess.check_output([python, "-c", code], cwd="/", text=True)  # noqa: S603
    assert printed.splitlines() == [str(project / "acme" / "__init__.py"), str(ROOT)]


def test_what_a_project_asks_for_is_installed_and_again_when_it_asks_for_something_else(
    setup: Setup, project: Path, index: PackageIndex
) -> None:
    setup.lock.write_text(EMPTY_LOCK)
    made = setup.make()

    (project / "requirements.txt").write_text("probe\n")

    assert setup.make() != made
    assert setup.output_of("probe") == str(setup.venv.resolve())
    assert index.clients


def test_what_contradicts_the_lock_is_said_and_the_environment_stays(
    setup: Setup, project: Path, index: PackageIndex
) -> None:
    made = setup.make(index.lock)
    (project / "requirements.txt").write_text("probe>1.0\n")

    failed = setup.run()

    assert failed.returncode != 0
    assert "probe>1.0" in failed.stderr
    assert "probe==1.0" in failed.stderr
    assert setup.venv.resolve() == made


def test_a_project_that_is_not_there_is_refused(setup: Setup, project: Path) -> None:
    setup.project = project / "nowhere"

    assert setup.run().returncode != 0
    assert not setup.made()


def test_what_an_included_file_asks_for_is_installed_when_that_changes(
    setup: Setup, project: Path, index: PackageIndex
) -> None:
    setup.lock.write_text(EMPTY_LOCK)
    (project / "requirements.txt").write_text("-r more.txt\n")
    (project / "more.txt").write_text("# nothing yet\n")
    made = setup.make()

    (project / "more.txt").write_text("probe\n")

    assert setup.make() != made
    assert index.clients
