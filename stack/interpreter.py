"""The virtual environments: this one's interpreter, by the path of its environment itself, and those beside it.

`VENV` is a link, which the next `make` may point to another environment (stack/setup.sh).
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from stack.config import ROOT
from stack.errors import StackError
from stack.terminal import say_aside


def lasting(python: Path) -> Path:
    """The same interpreter of the same environment, without the links on the way to it."""
    # Its own link leads out of the environment.
    return python.parent.resolve() / python.name


PYTHON = str(lasting(Path(sys.executable)))


def environment_beside(name: str) -> Path:
    """The environment of that name beside this one: `.venv-localstack` beside `.venv`, as stack/setup.sh names them.

    It is so too where this one runs by its own path, as what pip and uv have put into its `bin` does.
    """
    prefix = Path(sys.prefix)
    return prefix.with_name(f"{prefix.name.partition('.made-')[0]}-{name}")


def environment_python(name: str) -> Path:
    """The interpreter of the environment of that name beside this one."""
    return lasting(environment_beside(name) / "bin" / "python")


def install_environment(name: str, title: str) -> None:
    """Make the environment of that name beside this one where it is missing or its lock has changed.

    Prints what it does. Raises `StackError` where that fails.
    """
    venv, lock = environment_beside(name), ROOT / "requirements" / f"{name}.txt"
    setup = [str(ROOT / "stack" / "setup.sh"), "--lazy", str(venv), str(lock), title]
    if run_shown(setup, {**os.environ, "PYTHON": sys.executable}):
        raise StackError(f"{title} could not be installed into {venv}: see the lines above.")


def run_shown(command: list[str], environment: Mapping[str, str]) -> int:
    """Show what the command prints as it comes, and return its exit code: that nobody reads it must not end it."""
    with subprocess.Popen(  # noqa: S603
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            say_aside(line.rstrip())
    return process.returncode
