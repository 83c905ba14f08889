"""The environments of what is compared: each a virtual environment of its own, from a lock."""

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
    """A virtual environment that is not that of this program."""

    name: str
    """Of the peer, or the build, that runs in it."""
    directory: Path
    """Where it is."""
    lock: Path
    """What is in it."""
    packages: tuple[str, ...] = ()
    """Those whose versions are reported."""
    interpreter: str = sys.executable
    """What it is made with."""
    code: Path | None = None
    """What runs in it from where it lies, and may never have run on this interpreter."""

    @classmethod
    def of_peer(cls, name: str, packages: tuple[str, ...]) -> "Environment":
        """Return that of a peer: beside that of this program, from `bench/requirements/<name>.txt`."""
        lock = ROOT / "bench" / "requirements" / f"{name}.txt"
        return cls(name, environment_beside(f"bench-{name}"), lock, packages)

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.directory / "bin" / "python"

    def install(self) -> None:
        """Make it where it is missing or its lock has changed, and print so. Raises BenchError where that fails."""
        setup = [str(ROOT / "stack" / "setup.sh"), str(self.directory), str(self.lock), self.name]
        if subprocess.run(setup, env={**os.environ, "PYTHON": self.interpreter}, check=False).returncode:  # noqa: S603
            raise BenchError(f"{self.name} could not be installed into {self.directory}: see the lines above.")
        if self.code:
            # Else the first process that runs it would, and its peak of memory would be the compiler's.
            subprocess.run([self.python, "-m", "compileall", "-q", self.code], check=True)  # noqa: S603

    def versions(self) -> dict[str, str]:
        """Return the versions of the packages that are reported, as its lock has them."""
        locked = dict(_PINNED.findall(self.lock.read_text()))
        return {package: locked[package] for package in self.packages}
