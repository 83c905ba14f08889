"""The queues: as the services' code computes them, and as the broker is given them to make at its start."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from stack.config import ROOT
from stack.errors import StackError, writing
from stack.whole_file import write_whole

INIT = ROOT / "localstack-init"
PROVISIONING = INIT / "provisioning.py"
"""What makes queues, at whichever broker."""

QUEUES_FILE = INIT / "queues.json"
"""Those of the project's own task types."""


def worker_queues(queues: str) -> list[str]:
    """The names of those queues, given as JSON text, that a worker consumes."""
    return [queue["name"] for queue in json.loads(queues)["queues"] if queue["consumer"] == "worker"]


def render_queues(environment: Mapping[str, str]) -> str:
    """The queues of the configured task types, as the services' code computes them, as JSON text.

    Raises `StackError` with the services' own line where a setting cannot work.
    """
    return output_of("services.queues", environment, "The queues cannot be computed")


def output_of(module: str, environment: Mapping[str, str], failure: str) -> str:
    """What a module of the services prints. Raises `StackError` with its own line where it fails."""
    command = [sys.executable, "-m", module]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        *evidence, line = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise StackError(f"{failure}: {line}", "\n".join(evidence))
    return done.stdout


def place_init(directory: Path, queues_json: str) -> None:
    """Copy `localstack-init/` there, with these queues."""
    with writing(directory):
        _copy_init(directory)
    write_whole(directory / QUEUES_FILE.name, queues_json)


def _copy_init(target: Path) -> None:
    """Copy what LocalStack runs at its start, to be written to: in a checkout that is only to be read it cannot be."""
    for file in INIT.rglob("*"):
        if file.is_file():
            copy = target / file.relative_to(INIT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
