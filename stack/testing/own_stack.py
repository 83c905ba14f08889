"""A stack that tests bring up for themselves: its ports, its directory and its Compose project are nobody else's."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from stack import state
from stack.config import PROJECT_NAME, ROOT, StackSettings, stack_settings
from stack.containers import stack as containers
from stack.environment import merged_environment
from stack.errors import StackError
from stack.ports import free_port
from stack.running import running_settings

# What a command says is the error; where it is run says nothing.
__tracebackhide__ = True


class OwnStack:
    """A stack in a directory, started and stopped by the project's own commands in a shell with this environment.

    Its mode is what `MODE` says there, as of `make up`. Stacks of others are not touched, whichever runs.
    """

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self.directory = directory
        self.ports = {name: free_port() for name in StackSettings("native").ports}
        self.project = f"async-tasks-test-{self.ports['API_PORT']}"
        self._environment = {
            **environment,
            **{name: str(port) for name, port in self.ports.items()},
            "STACK_DIR": str(directory),
            PROJECT_NAME: self.project,
            "OBSERVABILITY": "0",
            # Commands and programs run in folders of their own.
            "PYTHONPATH": _absolute(environment.get("PYTHONPATH", "")),
        }

    def up(self) -> None:
        """Run `up`, which returns when everything is ready. Raises StackError with what it says where it fails."""
        self._stack("up")

    def down(self) -> None:
        """Run `down`. Raises StackError with what it says where it fails."""
        self._stack("down")

    def remove(self) -> None:
        """Stop it, and remove what it has on the container engine. Raises StackError with what keeps it from that."""
        self._stack("down", "--force")
        if project := state.recall(self.directory).project:
            environment = {**merged_environment(self._environment), PROJECT_NAME: project}
            containers.clean(stack_settings(environment, "containers"), force=True)

    def settings(self) -> StackSettings:
        """Return the settings with which it runs. Raises StackError where it is not up."""
        settings = running_settings(merged_environment(self._environment))
        if settings is None:
            raise StackError(f"The stack of {self.directory} is not up.")
        return settings

    def _stack(self, *arguments: str) -> str:
        return self._run(sys.executable, "-m", "stack", *arguments)

    def _run(self, *command: str) -> str:
        done = subprocess.run(  # noqa: S603  # the project's own commands
            command, cwd=ROOT, env=self._environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise StackError(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
        return done.stdout


def _absolute(python_path: str) -> str:
    """Return the entries of a PYTHONPATH as they are in this process's folder; an empty one is that folder."""
    return (
        os.pathsep.join(str(Path(entry).absolute()) for entry in python_path.split(os.pathsep)) if python_path else ""
    )
