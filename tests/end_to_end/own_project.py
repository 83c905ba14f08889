"""The example of a project of one's own, whose tests are run as its author runs them."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from stack.config import ROOT


@dataclass(frozen=True)
class Project:
    """An author's project, and the environment that its Makefile exports."""

    folder: Path

    @classmethod
    def copied_to(cls, folder: Path) -> "Project":
        return cls(Path(shutil.copytree(ROOT / "examples" / "own_task_types", folder)))

    def pytest(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run pytest in it, as its author does."""
        exported = {"PYTHONPATH": f".:{ROOT}", "PYTEST_ADDOPTS": "", "COLUMNS": "200", **environment}
        # This run's own: it is no part of a run on xdist.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        command = [sys.executable, "-m", "pytest", "-W", "error", "-p", "no:schemathesis", *arguments]
        return subprocess.run(  # noqa: S603  # a pytest of its own
            command, cwd=self.folder, env={**inherited, **exported}, capture_output=True, text=True, check=False
        )
