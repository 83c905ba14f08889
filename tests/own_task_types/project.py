"""A project of one's own task types, and what its author does in it."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stack.config import ROOT, StackSettings
from stack.ports import free_port

# What of the environment of this run is nothing to a project.
_OF_THIS_RUN = ("PYTEST_", "PYTHONPATH", "TASK_PACKAGES", "VENV", "STACK_DIR", "MAKE")


@dataclass(frozen=True)
class Project:
    """A folder with a Makefile of its own; its stack has ports of its own."""

    folder: Path
    ports: dict[str, str] = field(
        default_factory=lambda: {name: str(free_port()) for name in StackSettings("native").ports}
    )

    @classmethod
    def copied_to(cls, folder: Path) -> "Project":
        """Return a copy of the example."""
        return cls(Path(shutil.copytree(ROOT / "examples" / "own_task_types", folder)))

    @classmethod
    def new(cls, folder: Path, name: str) -> "Project":
        """Return what `make new` of this clone writes."""
        project = cls(folder)
        done = project.run("make", "new", f"NAME={name}", f"DIRECTORY={folder}", cwd=ROOT)
        assert done.returncode == 0, done.stdout + done.stderr
        return project

    def make(self, *arguments: str, **settings: str) -> str:
        """Run a command, which must succeed, and return what it prints."""
        done = self.try_make(*arguments, **settings)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def try_make(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a command with these settings in its shell."""
        return self.run("make", *arguments, f"ASYNC_TASKS={ROOT}", cwd=self.folder, **settings)

    def made_json(self, *arguments: str, **settings: str) -> Any:
        """Return what a command prints for programs."""
        return json.loads(self.make(*arguments, "ARGS=--json", **settings))

    def run(self, *command: str, cwd: Path, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a program with these settings in its shell, where nothing is left of this test run."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OF_THIS_RUN)}
        environment = {**inherited, **self.ports, **settings}
        return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
