"""Runs what checks the files for AWS: programs in a virtual environment of their own (requirements/aws.txt)."""

import subprocess
from pathlib import Path

import pytest

from stack.interpreter import environment_beside


def run_aws_program(name: str, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run it, whatever it exits with."""
    program = environment_beside("aws") / "bin" / name
    if not program.exists():
        pytest.fail(f"{program} is missing: run `make test-lambda`", pytrace=False)
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)  # noqa: S603
