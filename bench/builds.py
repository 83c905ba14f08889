"""Other builds of this project, measured beside it: an earlier commit's, and this one on another Python."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.checkout import check_out
from bench.environments import Environment
from bench.errors import BenchError
from bench.systems import PROJECT, PROJECT_LOCK, System
from stack.config import ROOT
from stack.terminal import say

_KEPT = ROOT / ".bench"
# It writes tasks as the worker of its own commit reads them.
_PRODUCER = Path("bench") / "programs" / "envelope_producer.py"
_CODE = "services"

_RUNNING_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_OLDEST_PYTHON, _NEWEST_PYTHON = "3.11", "3.13"

_AT = f"{PROJECT.name} at "
_ON_PYTHON = f"{PROJECT.name} on Python "


@dataclass(frozen=True, slots=True)
class Builds:
    """Those that take part in a run."""

    baseline: System | None = None
    other_python: System | None = None


def commit_of(name: str) -> str | None:
    """Return the commit of the baseline of that name; None where the name is no baseline's."""
    return name.removeprefix(_AT) if name.startswith(_AT) else None


def python_of(name: str) -> str | None:
    """Return on which other Python the system of that name runs; None where the name says of none."""
    return name.removeprefix(_ON_PYTHON) if name.startswith(_ON_PYTHON) else None


def at_commit(commit: str, repository: Path = ROOT, directory: Path = _KEPT / "baseline") -> System:
    """Return this project as it was at a commit of the repository, whose files are kept in the directory.

    Raises BenchError where there is no such commit, or nothing at it that can be measured.
    """
    short, tree = check_out(commit, repository, directory)
    for needed in (PROJECT_LOCK, _PRODUCER):
        if not (tree / needed).exists():
            raise BenchError(f"{short} cannot be measured: it has no {needed}")
    name = f"{_AT}{short}"
    return PROJECT.built(name, Environment(name, tree / ".venv", tree / PROJECT_LOCK, code=tree / _CODE), tree)


def on_other_python() -> System | None:
    """Return this project on another Python than this program's; None where that is not found, which is said."""
    version = other_python(_RUNNING_PYTHON)
    interpreter = _find_python(version)
    if interpreter is None:
        say(f"Python {version} is not found here: this project is measured on {_RUNNING_PYTHON} alone.")
        return None
    name = f"{_ON_PYTHON}{version}"
    directory = _KEPT / f"python-{version}"
    return PROJECT.built(
        name, Environment(name, directory, ROOT / PROJECT_LOCK, interpreter=interpreter, code=ROOT / _CODE)
    )


def other_python(running: str) -> str:
    """Return beside which version one that runs is measured: the oldest, or the newest where it is that itself."""
    return _NEWEST_PYTHON if running == _OLDEST_PYTHON else _OLDEST_PYTHON


def _find_python(version: str) -> str | None:
    script = ROOT / "stack" / "find_python.sh"
    found = subprocess.run([script, version], capture_output=True, text=True, check=False)  # noqa: S603
    return found.stdout.removesuffix("\n") or None
