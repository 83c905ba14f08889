"""Task types that `TASK_PACKAGES` adds on this machine: their queues, and a container for each of their workers.

What docker-compose.yml and localstack-init/ say of the project's own task types stays as it is: the additions are
written to the stack's directory, and Compose and LocalStack are pointed there.
"""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from stack.config import ROOT, StackSettings
from stack.containers.compose_file import console_services, worker_command
from stack.containers.docker import Compose
from stack.localstack.provisioning import QUEUES_FILE, place_init, render_queues, worker_queues
from stack.whole_file import write_whole

TEMPLATE = "worker-calculation"


def compose_environment(settings: StackSettings) -> dict[str, str]:
    """The environment for Compose, which finds the additions in it where there are any."""
    environment = dict(settings.environment)
    if not _has_additions(settings):
        return environment
    files = [*_compose_files(environment), str(_workers_file(settings))]
    return {**environment, "COMPOSE_FILE": ":".join(files), "LOCALSTACK_INIT": str(_init_directory(settings))}


def write_additions(settings: StackSettings) -> None:
    """Write what the configured task types add to the project's own, in place of what was written before."""
    queues_json = render_queues(settings.environment)
    _workers_file(settings).unlink(missing_ok=True)
    shutil.rmtree(_init_directory(settings), ignore_errors=True)
    if queues_json == QUEUES_FILE.read_text():
        return
    place_init(_init_directory(settings), queues_json)
    queues = worker_queues(queues_json)
    additional = set(queues) - set(worker_queues(QUEUES_FILE.read_text()))
    services = additional_services(Compose(settings.environment).config, sorted(additional))
    console = {"environment": {"CONSOLE_SERVICES": console_services(queues)}}
    write_whole(_workers_file(settings), json.dumps({"services": {**services, "console": console}}, indent=2))


def provisioned_queues(settings: StackSettings) -> str:
    """The queues that LocalStack is given to make, as JSON text."""
    return (_init_directory(settings) / QUEUES_FILE.name if _has_additions(settings) else QUEUES_FILE).read_text()


def additional_services(config: dict[str, Any], queues: Iterable[str]) -> dict[str, Any]:
    """A service for each queue: that of another worker, as all Compose files together have it, but for its command."""
    worker = config["services"][TEMPLATE]
    return {f"worker-{queue}": {**worker, "command": worker_command(queue)} for queue in queues}


def _compose_files(environment: dict[str, str]) -> list[str]:
    """The files that Compose would take by itself."""
    if named := environment.get("COMPOSE_FILE"):
        return named.split(":")
    return [name for name in ("docker-compose.yml", "docker-compose.override.yml") if (ROOT / name).exists()]


def _has_additions(settings: StackSettings) -> bool:
    return _workers_file(settings).exists()


def _init_directory(settings: StackSettings) -> Path:
    return settings.directory / "localstack-init"


def _workers_file(settings: StackSettings) -> Path:
    return settings.directory / "additional-workers.json"
