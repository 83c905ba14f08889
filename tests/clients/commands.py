"""Runs the commands of other people's tools, and where those are."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# They take seconds; on a machine that is short of breath, much longer.
LONGEST_SECONDS = 240


def run(command: Sequence[str | Path], directory: Path, environment: Mapping[str, str] | None = None) -> str:
    """Run the command in the directory and return what it prints; a failure has all that it said."""
    done = subprocess.run(  # noqa: S603  # tools that are locked, and programs of this suite
        command,
        cwd=directory,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class Node:
    """Node.js, and the packages that it runs."""

    program: str
    packages: Path

    def run(self, directory: Path, *arguments: str, **environment: str) -> str:
        """Run a program, the directory having the packages, and return what it prints."""
        return run([self.program, *arguments], directory, environment)

    def tool(self, directory: Path, name: str, *arguments: str, **environment: str) -> str:
        """Run a package's command."""
        return self.run(directory, f"{self.packages}/.bin/{name}", *arguments, **environment)

    def provide_packages(self, directory: Path) -> None:
        """Let what is in the directory import the packages."""
        (directory / "node_modules").symlink_to(self.packages)
