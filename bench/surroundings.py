"""Where, when and on what a run measures."""

import os
import platform
import re
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

from bench.environments import Environment
from bench.measurements import Surroundings
from stack.config import ROOT
from stack.native.localstack import localstack_python

_MODEL = re.compile(r"^model name\s*:\s*(.+)$", re.MULTILINE)


def describe_surroundings(seconds: float, packages: Sequence[str], peers: Sequence[Environment]) -> Surroundings:
    """Describe them, for a run that took so long, on these packages, and in which these peers took part."""
    return Surroundings(
        date=datetime.now(UTC).isoformat(timespec="minutes"),
        commit=_commit(),
        machine=_machine(),
        versions=_versions(packages, peers),
        seconds=round(seconds),
    )


def _machine() -> str:
    gigabytes = psutil.virtual_memory().total / 2**30
    return f"{_cpu_model()}, {os.cpu_count()} cores, {gigabytes:.0f} GiB, {platform.system()} {platform.release()}"


def _cpu_model() -> str:
    file = Path("/proc/cpuinfo")
    found = _MODEL.search(file.read_text()) if file.exists() else None
    return found[1] if found else platform.machine()


def _versions(packages: Sequence[str], peers: Sequence[Environment]) -> dict[str, str]:
    own = {package: version(package) for package in packages}
    of_peers = {name: number for each in peers for name, number in each.versions().items()}
    code = "import importlib.metadata; print(importlib.metadata.version('localstack-core'))"
    localstack = _output(str(localstack_python()), "-c", code)
    return {"Python": platform.python_version(), "LocalStack": localstack, **own, **of_peers}


def _commit() -> str:
    commit = _output("git", "rev-parse", "--short", "HEAD")
    return f"{commit} with changes" if _output("git", "status", "--porcelain", "--untracked-files=no") else commit


def _output(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
