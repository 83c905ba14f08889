"""Other builds of this project: the files of an earlier commit, and this one on another Python."""

import os
import subprocess
from pathlib import Path

import pytest

from bench.builds import at_commit, commit_of, other_python, python_of
from bench.errors import BenchError
from bench.systems import PROJECT

LOCK = "requirements/runtime.txt"
PRODUCER = "bench/programs/envelope_producer.py"


class Repository:
    """A repository of this project's like, whose files change from commit to commit."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir()
        self._git("init", "--quiet")

    def write(self, name: str, text: str = "") -> Path:
        file = self.directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def commit(self) -> str:
        """Commit all files; returns the commit's full name."""
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", "All")
        return self.head()

    def head(self) -> str:
        return self._git("rev-parse", "HEAD")

    def status(self) -> str:
        return self._git("status", "--porcelain")

    def clone_shallowly(self, directory: Path) -> Path:
        self._git("clone", "--quiet", "--depth", "1", self.directory.as_uri(), str(directory))
        return directory

    def _git(self, *arguments: str) -> str:
        nobodys = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
        command = ["git", "-c", "user.name=nobody", "-c", "user.email=nobody@localhost", *arguments]
        return subprocess.check_output(command, cwd=self.directory, env=nobodys, text=True).strip()  # noqa: S603


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """With one commit that can be measured."""
    repository = Repository(tmp_path / "repository")
    repository.write(LOCK, "# the first\n")
    repository.write(PRODUCER)
    repository.write("services/worker/__main__.py", "print('the first')\n")
    repository.commit()
    return repository


def test_a_baseline_is_the_commit_s_own_code_in_an_environment_of_its_own_lock(
    repository: Repository, tmp_path: Path
) -> None:
    first = repository.head()
    repository.write(LOCK, "# the second\n")
    repository.write("services/worker/__main__.py", "print('the second')\n")
    repository.commit()

    baseline = at_commit(first[:12], repository.directory, tmp_path / "kept")

    assert baseline.tree == tmp_path / "kept" / first
    assert (baseline.tree / "services" / "worker" / "__main__.py").read_text() == "print('the first')\n"
    assert baseline.environment is not None
    assert baseline.environment.lock.read_text() == "# the first\n"
    assert (baseline.worker, baseline.producer, baseline.settings) == (
        PROJECT.worker,
        PROJECT.producer,
        PROJECT.settings,
    )


def test_it_is_named_by_the_commit_however_that_was_called(repository: Repository, tmp_path: Path) -> None:
    named = at_commit("HEAD", repository.directory, tmp_path / "kept").name

    commit = commit_of(named)
    assert commit
    assert repository.head().startswith(commit)


def test_what_is_changed_in_the_clone_is_neither_in_it_nor_lost(repository: Repository, tmp_path: Path) -> None:
    changed = repository.write("services/worker/__main__.py", "print('changed')\n")
    repository.write("services/errors.py")
    status = repository.status()

    baseline = at_commit("HEAD", repository.directory, tmp_path / "kept")

    assert (baseline.tree / "services" / "worker" / "__main__.py").read_text() == "print('the first')\n"
    assert not (baseline.tree / "services" / "new.py").exists()
    assert repository.status() == status
    assert changed.read_text() == "print('changed')\n"


def test_its_files_are_written_once_and_kept(repository: Repository, tmp_path: Path) -> None:
    kept = at_commit("HEAD", repository.directory, tmp_path / "kept").tree / ".venv"
    kept.touch()

    at_commit("HEAD", repository.directory, tmp_path / "kept")

    assert kept.exists()
    assert [each.name for each in (tmp_path / "kept").iterdir()] == [repository.head()]


def test_a_commit_that_a_shallow_clone_does_not_have_is_refused_with_how_to_get_it(
    repository: Repository, tmp_path: Path
) -> None:
    first = repository.head()
    repository.write("services/errors.py")
    repository.commit()
    shallow = repository.clone_shallowly(tmp_path / "shallow")

    with pytest.raises(BenchError, match=f"no commit {first}: .*git fetch --unshallow"):
        at_commit(first, shallow, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize("commit", ["nonsense", "--all", "HEAD:services"])
def test_what_names_no_commit_is_refused(repository: Repository, commit: str, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=f"no commit {commit}"):
        at_commit(commit, repository.directory, tmp_path / "kept")


@pytest.mark.parametrize("missing", [LOCK, PRODUCER])
def test_a_commit_without_what_is_measured_is_refused_with_what_it_lacks(
    repository: Repository, missing: str, tmp_path: Path
) -> None:
    (repository.directory / missing).unlink()
    repository.commit()

    with pytest.raises(BenchError, match=f"cannot be measured: it has no {missing}"):
        at_commit("HEAD", repository.directory, tmp_path / "kept")


@pytest.mark.parametrize(("running", "other"), [("3.13", "3.11"), ("3.12", "3.11"), ("3.11", "3.13")])
def test_a_python_is_measured_beside_the_oldest_and_that_beside_the_newest(running: str, other: str) -> None:
    assert other_python(running) == other


@pytest.mark.parametrize(
    ("name", "commit", "python"),
    [
        ("this project at 6c3b5bf", "6c3b5bf", None),
        ("this project on Python 3.13", None, "3.13"),
        ("this project", None, None),
        ("Celery, 32 threads", None, None),
    ],
)
def test_the_name_of_a_system_says_which_build_it_is(name: str, commit: str | None, python: str | None) -> None:
    assert (commit_of(name), python_of(name)) == (commit, python)
