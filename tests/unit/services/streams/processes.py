"""Programs of a few lines that run for the tests, as commands do."""

import os
import subprocess
import sys

from stack.config import ROOT


def environment(**changes: str) -> dict[str, str]:
    named = ("PYTHONIOENCODING", "PYTHONUTF8", "PYTHONCOERCECLOCALE")
    return {name: value for name, value in os.environ.items() if name not in named} | changes


def start(*program: str, **changes: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603  # our own program
        [sys.executable, *program],
        cwd=ROOT,
        env=environment(**changes),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
