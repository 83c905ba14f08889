"""The environments of the peers: each a virtual environment of its own, from a lock of its own."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from stack.config import ROOT
from stack.interpreter import environment_beside

_PINNED = re.compile(r"^([a-z0-9-]+)==([^ ]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment beside that of this program."""

    name: str
    """Of the peer, and of its lock: `bench/requirements/<name>.txt`."""
    packages: tuple[str, ...]
    """Those whose versions are reported."""

    @property
    def directory(self) -> Path:
        """Where it is."""
        return environment_beside(f"bench-{self.name}")

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.directory / "bin" / "python"

    @property
    def lock(self) -> Path:
        """What is in it."""
        return ROOT / "bench" / "requirements" / f"{self.name}.txt"

    def install(self) -> None:
        """Make it where it is missing or its lock has changed, and print so. Raises BenchError where that fails."""
        setup = [str(ROOT / "stack" / "setup.sh"), str(self.directory), str(self.lock), self.name]
        if subprocess.run(setup, env={**os.environ, "PYTHON": sys.executable}, check=False).returncode:  # noqa: S603
            raise BenchError(f"{self.name} could not be installed into {self.directory}: see the lines above.")

    def versions(self) -> dict[str, str]:
        """Return the versions of the packages that are reported, as its lock has them."""
        locked = dict(_PINNED.findall(self.lock.read_text()))
        return {package: locked[package] for package in self.packages}
