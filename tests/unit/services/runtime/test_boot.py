"""Whose own settings a program reads when it starts: those of the task types that it works, and no others."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stack.config import ROOT

TASK_TYPE = """
from pydantic import SecretStr
from services.task_types import Settings, TaskItem, TaskType


class ShoutSettings(Settings):
    shout_token: SecretStr


async def run(item, context):
    return item.name.upper()


TASK_TYPE = TaskType(
    name="shout", route="/v1/shout", summary="Shout", item=TaskItem, run=run, example=[], settings=ShoutSettings
)
"""

WORKS = """
import sys
from services.runtime.boot import boot
from services.worker.settings import WorkerSettings

print(list(boot(WorkerSettings, works=lambda _: sys.argv[1:]).task_settings))
"""


def run(folder: Path, *program: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run a program of the services, whose task types are `shout`, which needs a secret, and our own."""
    package = folder / "acme"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "shout.py").write_text(TASK_TYPE)
    packages = {"TASK_PACKAGES": "services.tasks,acme", "PYTHONPATH": f"{ROOT}:{folder}"}
    return subprocess.run(  # noqa: S603  # our own program
        [sys.executable, *program],
        env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1", **packages, **settings},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(("worked", "read"), [("", []), ("callbacks", []), ("data", ["data"])])
def test_a_program_that_works_none_of_a_type_starts_without_its_secret(
    worked: str, read: list[str], tmp_path: Path
) -> None:
    done = run(tmp_path, "-c", WORKS, worked)

    assert (done.returncode, done.stdout, done.stderr) == (0, f"{read}\n", "")


@pytest.mark.parametrize("program", [["services.worker", "shout"], ["services.check"]], ids=lambda each: each[0])
def test_its_worker_ends_at_boot_without_the_secret_and_so_does_what_looks_whether_a_stack_could_start(
    program: list[str], tmp_path: Path
) -> None:
    done = run(tmp_path, "-m", *program)

    assert (done.returncode, done.stderr) == (os.EX_CONFIG, "cannot start: SHOUT_TOKEN: Field required\n")
