"""Packages of Node.js are fetched once, and are in place whole or not at all."""

import os
import subprocess
from pathlib import Path

import pytest

from stack.config import ROOT

# What `npm ci` is asked for, without a registry: by pipes it says that it has begun, and is told how to end.
NPM = """#!/bin/sh
echo begun > "$0.begun"
read code < "$0.ends"
mkdir "$3/node_modules" && cp "$3/package-lock.json" "$3/node_modules/of"
exit "$code"
"""


class Fetching:
    """A folder with a lock, a target, and a stand-in for npm."""

    def __init__(self, directory: Path, npm: str = "npm") -> None:
        self._folder = directory / "locked"
        self._folder.mkdir(exist_ok=True)
        (self._folder / "package.json").touch()
        (self._folder / ".npmrc").touch()
        self.lock("1")
        self.target = directory / "tools" / "packages"
        self._npm = directory / npm
        self._npm.write_text(NPM)
        self._npm.chmod(0o755)
        os.mkfifo(f"{self._npm}.begun")
        os.mkfifo(f"{self._npm}.ends")

    def lock(self, version: str) -> None:
        """Lock another version."""
        (self._folder / "package-lock.json").write_text(version)

    def start(self) -> subprocess.Popen[str]:
        """Begin to fetch."""
        script = ROOT / "requirements" / "fetch-node-packages.sh"
        return subprocess.Popen(  # noqa: S603  # our own program
            [script, self._folder, self.target, "packages", self._npm],
            env={"PATH": os.environ["PATH"]},
            stdout=subprocess.PIPE,
            text=True,
        )

    def begun(self) -> None:
        """Wait until npm has been called."""
        Path(f"{self._npm}.begun").read_text()

    def end(self, code: int = 0) -> None:
        """Let the npm that was called end."""
        Path(f"{self._npm}.ends").write_text(f"{code}\n")

    def fetch(self, code: int = 0) -> int:
        """Fetch with an npm that ends so, and return the script's exit code."""
        with self.start() as fetching:
            self.begun()
            self.end(code)
        return fetching.returncode

    def fetched(self) -> str:
        """What is in place."""
        return (self.target / "node_modules" / "of").read_text()

    def left_beside(self) -> list[Path]:
        """What is there besides the target."""
        return [each for each in self.target.parent.iterdir() if each != self.target]


@pytest.fixture
def fetching(tmp_path: Path) -> Fetching:
    return Fetching(tmp_path)


def test_they_are_fetched_again_only_when_the_lock_is_another_one(fetching: Fetching) -> None:
    assert fetching.fetch() == 0
    with fetching.start() as second:
        said, _ = second.communicate()
    assert (second.returncode, said) == (0, "")

    fetching.lock("2")
    assert fetching.fetch() == 0
    assert fetching.fetched() == "2"
    assert fetching.left_beside() == []


def test_a_fetch_that_fails_leaves_what_was_there(fetching: Fetching) -> None:
    assert fetching.fetch() == 0
    fetching.lock("2")

    assert fetching.fetch(code=1) == 1

    assert fetching.fetched() == "1"
    assert fetching.left_beside() == []
    assert fetching.fetch() == 0


def test_what_another_one_has_fetched_meanwhile_is_left_as_it_may_be_in_use(fetching: Fetching, tmp_path: Path) -> None:
    other = Fetching(tmp_path, "other-npm")
    with fetching.start() as first, other.start() as second:
        fetching.begun()
        other.begun()
        fetching.end()
        assert first.wait() == 0
        in_use = fetching.target.stat()
        other.end()

    assert second.returncode == 0
    assert fetching.target.stat().st_ino == in_use.st_ino
    assert fetching.left_beside() == []
