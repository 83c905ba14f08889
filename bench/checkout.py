"""The files of this project as they were at a commit, in a folder of their own."""

import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from bench.errors import BenchError


class Checkout(NamedTuple):
    """The files of a commit."""

    commit: str
    """Its short name."""
    tree: Path


def check_out(commit: str, repository: Path, directory: Path) -> Checkout:
    """Write the files of a commit of the repository into a folder of the directory, where they are not yet.

    What else is in the repository stays as it is: its files with their changes, its index, its branches. Raises
    BenchError where it does not have the commit.
    """
    full = _resolve(commit, repository)
    tree = directory / full
    if not tree.exists():
        _write(full, repository, tree)
    return Checkout(_git(repository, "rev-parse", "--short", full), tree)


def _resolve(commit: str, repository: Path) -> str:
    """Return the full name of a commit."""
    command = ["git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}"]
    found = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)  # noqa: S603
    if found.returncode:
        raise BenchError(
            f"this clone has no commit {commit}: `git fetch` may get it, `git fetch --unshallow` a shallow one"
        )
    return found.stdout.strip()


def _write(commit: str, repository: Path, tree: Path) -> None:
    """Write the files of a commit: all of them, or none where that is not carried through."""
    tree.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=tree.parent) as directory:
        archive, files = Path(directory) / "tree.tar", Path(directory) / "tree"
        files.mkdir()
        _git(repository, "archive", "--output", str(archive), commit)
        subprocess.run(["tar", "-xf", archive, "-C", files], check=True)  # noqa: S603, S607
        files.rename(tree)


def _git(repository: Path, *arguments: str) -> str:
    return subprocess.check_output(["git", *arguments], cwd=repository, text=True).strip()  # noqa: S603, S607
