"""What `TASK_PACKAGES`, and a project of one's own task types, change in docker-compose.yml on this machine.

What that file and localstack-init/ say of this clone's own task types stays as it is: the changes are written to the
stack's directory, and Compose and LocalStack are pointed there.
"""

import json
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from stack.broker.provisioning import QUEUES_FILE, place_init, render_queues, worker_queues
from stack.config import COMPOSE_FILE, PROJECT, ROOT, StackSettings
from stack.containers.compose_file import console_services, worker_command
from stack.containers.docker import Compose
from stack.image_build import STACK_IMAGE
from stack.status import LOCALSTACK
from stack.task_types import aws_services_of, declared_settings, task_types_of
from stack.whole_file import write_whole

TEMPLATE = "worker-calculation"

OVERRIDE_FILE = "docker-compose.override.yml"
"""What Compose merges over all else by itself, as it calls it."""

# Nobody asks Compose for this profile, so it starts nothing that has it.
_LEFT_OUT = {"profiles": ["not-in-task-packages"]}


def compose_environment(settings: StackSettings) -> dict[str, str]:
    """The environment for Compose, which finds the additions in it where there are any."""
    environment = _of_clone(settings.environment)
    if not has_additions(settings):
        return environment
    files = [*_compose_files(environment), str(_additions_file(settings))]
    if PROJECT != ROOT and (PROJECT / OVERRIDE_FILE).exists():
        # Behind the additions: it may be about the workers that they add.
        files.append(str(PROJECT / OVERRIDE_FILE))
    return {**environment, "COMPOSE_FILE": ":".join(files), "LOCALSTACK_INIT": str(_init_directory(settings))}


def write_additions(settings: StackSettings, stack_image: str | None) -> None:
    """Write what the configured task types change, in place of what was written before; where nothing does, nothing.

    `stack_image` is this clone's, on which the project's own builds; None where it has none of its own.
    Raises `StackError` with the services' own line where a task type, or a setting, cannot work.
    """
    queues_json = render_queues(settings.environment)
    _additions_file(settings).unlink(missing_ok=True)
    shutil.rmtree(_init_directory(settings), ignore_errors=True)
    task_types = task_types_of(settings.environment)
    others = aws_services_of(task_types)
    if queues_json == QUEUES_FILE.read_text() and stack_image is None and not others:
        return
    place_init(_init_directory(settings), queues_json)
    environment = _of_clone(settings.environment)
    config = Compose({**environment, "COMPOSE_FILE": ":".join(_compose_files(environment))}).config
    names = declared_settings(task_types)
    services = changed_services(config["services"], worker_queues(queues_json), names, stack_image, others)
    write_whole(_additions_file(settings), json.dumps({"services": services}, indent=2))


def has_additions(settings: StackSettings) -> bool:
    """Whether the stack is another than docker-compose.yml says."""
    return _additions_file(settings).exists()


def provisioned_queues(settings: StackSettings) -> str:
    """The queues that LocalStack is given to make, as JSON text."""
    return (_init_directory(settings) / QUEUES_FILE.name if has_additions(settings) else QUEUES_FILE).read_text()


def changed_services(
    services: Mapping[str, Any],
    queues: Collection[str],
    names: Collection[str],
    stack_image: str | None,
    aws_services: Collection[str] = (),
) -> dict[str, Any]:
    """What is to be merged over the services, as all Compose files together have them, for these queues. Pure.

    Each of the project's image has the settings of these names handed on, and is built on the stack's image where there
    is one. A queue without a worker has one like the others, but for its command; a worker without a queue is left out.
    LocalStack serves these services of AWS besides SQS.
    """
    workers = {f"worker-{queue}": queue for queue in queues}
    changes: dict[str, Any] = {}
    for name, service in services.items():
        if name.startswith("worker-") and name not in workers:
            changes[name] = _LEFT_OUT
        elif "build" in service:
            changes[name] = _of_own_image(service, names, stack_image)
    template = services[TEMPLATE]
    for name in sorted(workers.keys() - services.keys()):
        change = _of_own_image(template, names, stack_image)
        merged = {key: {**template.get(key, {}), **changed} for key, changed in change.items()}
        changes[name] = {**template, **merged, "command": worker_command(workers[name])}
    asked = {"CONSOLE_SERVICES": console_services(queues)}
    changes["console"]["environment"] = {**changes["console"].get("environment", {}), **asked}
    if aws_services:
        changes[LOCALSTACK] = {"environment": {"SERVICES": ",".join(["sqs", *aws_services])}}
    return {name: change for name, change in changes.items() if change}


def _of_own_image(service: Mapping[str, Any], names: Collection[str], stack_image: str | None) -> dict[str, Any]:
    # Compose takes the value of a name alone from the shell, else from `.env`.
    environment = {name: None for name in names if name not in service.get("environment", {})}
    build = {"args": {STACK_IMAGE: stack_image}} if stack_image else {}
    return {key: change for key, change in (("environment", environment), ("build", build)) if change}


def _of_clone(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment in which docker-compose.yml finds what is beside it from every folder."""
    return {**environment, "ASYNC_TASKS": str(ROOT)}


def _compose_files(environment: Mapping[str, str]) -> list[str]:
    """The files that Compose would take by itself; those of this clone for a project."""
    if named := environment.get("COMPOSE_FILE"):
        return named.split(":")
    own = PROJECT == ROOT and (ROOT / OVERRIDE_FILE).exists()
    return [str(COMPOSE_FILE), *([str(ROOT / OVERRIDE_FILE)] if own else [])]


def _init_directory(settings: StackSettings) -> Path:
    return settings.directory / "localstack-init"


def _additions_file(settings: StackSettings) -> Path:
    return settings.directory / "additions.json"
