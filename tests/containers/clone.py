"""A second clone of the project, whose commands are run in its own folder and know of no other's settings."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from stack.config import ROOT
from stack.ports import free_port

# A clone has what git knows, and makes the rest itself: other tests have left tools here, with links to nowhere.
IGNORED = (ROOT / ".gitignore").read_text().splitlines()
NOT_CLONED = shutil.ignore_patterns(".git", *(line.rstrip("/") for line in IGNORED))


class Clone:
    """A copy of the project in a folder, with ports of its own."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(ROOT, folder, ignore=NOT_CLONED)
        self.folder = folder
        self.ports = {f"{name}_PORT": str(free_port()) for name in ("API", "RECEIVER", "LOCALSTACK", "CONSOLE")}

    def stack(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run one of the stack's commands, whatever its exit code."""
        return self.run(sys.executable, "-m", "stack", *arguments, **settings)

    def run(self, *command: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a program in the clone with no settings but these."""
        own = {name: os.environ[name] for name in ("PATH", "HOME", "DOCKER_HOST") if name in os.environ}
        return subprocess.run(  # noqa: S603  # the project's own commands, and Docker's
            command, cwd=self.folder, env={**own, **settings}, capture_output=True, text=True, check=False
        )

    def volumes(self) -> list[str]:
        """The volumes of all projects of clones with this folder's name."""
        listed = self.run("docker", "volume", "ls", "--quiet", "--filter", f"name={self.folder.name}")
        return listed.stdout.split()

    def containers(self) -> dict[str, Any]:
        """When each container that was started from this folder began, by name."""
        mine = f"label=com.docker.compose.project.working_dir={self.folder}"
        ids = self.run("docker", "ps", "--quiet", "--filter", mine).stdout.split()
        inspected = json.loads(self.run("docker", "inspect", *ids).stdout) if ids else []
        return {each["Name"].removeprefix("/"): each["State"]["StartedAt"] for each in inspected}

    def remove(self, project: str) -> None:
        """End what is left of a project of the clone."""
        self.run("docker", "compose", "--project-name", project, "down", "--volumes", "--remove-orphans")
        self.run("docker", "image", "rm", f"{project}-services")
        built = f"label=com.docker.compose.project={project}"
        self.run("docker", "image", "prune", "--force", "--filter", built)
