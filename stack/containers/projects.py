"""Which Compose project a stack has: each clone, and each `STACK_DIR`, has one of its own on the engine.

What plain `docker compose` would take is taken wherever that is nobody else's.
"""

import re
import subprocess
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from stack.config import DEFAULT_DIRECTORY, PROJECT
from stack.errors import StackError

LIST_SECONDS = 10

OF_EARLIER_VERSIONS = "async-tasks"
"""What docker-compose.yml once called the project of every clone."""

# As Compose labels what it makes.
_PROJECT, _FOLDER, _SERVICE = "project", "project.working_dir", "service"
_FIELDS = [*(f'{{{{.Label "com.docker.compose.{label}"}}}}' for label in (_PROJECT, _FOLDER, _SERVICE)), "{{.Ports}}"]


@dataclass(frozen=True)
class ProjectContainer:
    """A container that Compose has made."""

    project: str
    folder: Path
    """From which Compose was called."""
    service: str
    ports: frozenset[int] = frozenset()
    """Those of this machine that it has while it runs."""


@dataclass(frozen=True)
class Choice:
    """The project of a stack."""

    name: str
    reason: str = ""
    """Why it is not the one that plain `docker compose` would take here; empty where it is, or is known already."""


def choose_project(
    directory: Path,
    containers: Collection[ProjectContainer],
    has_volumes: Callable[[str], bool],
    *,
    is_of_earlier_version: bool,
) -> Choice:
    """Decide for a stack of which no project is known; whether one has volumes is asked only where it matters.

    An earlier version noted of a stack in containers that it runs, and no project.
    """
    plain = default_project(PROJECT)
    is_default = directory == DEFAULT_DIRECTORY
    if is_default and folders_of(plain, containers) == {PROJECT}:
        return Choice(plain)
    if (is_default or is_of_earlier_version) and folders_of(OF_EARLIER_VERSIONS, containers) == {PROJECT}:
        return Choice(OF_EARLIER_VERSIONS, "an earlier version has started it")
    if reason := _why_another(plain, containers, has_volumes, is_default=is_default):
        own = sha256(str(directory.resolve()).encode()).hexdigest()[:8]
        return Choice(f"{plain or OF_EARLIER_VERSIONS}-{own}", reason)
    return Choice(plain)


def _why_another(
    plain: str, containers: Collection[ProjectContainer], has_volumes: Callable[[str], bool], *, is_default: bool
) -> str:
    if not is_default:
        return "each STACK_DIR has one of its own"
    if not plain:
        return "the folder's name has no character that one may have"
    if others := folders_of(plain, containers):
        return f"{plain} is that of {min(others)}"
    if has_volumes(plain):
        return f"{plain} has volumes of which nothing here says whose they are (COMPOSE_PROJECT_NAME={plain} takes it)"
    return ""


def default_project(folder: Path) -> str:
    """What Compose makes of a folder's name (https://docs.docker.com/compose/how-tos/project-name); it can be empty."""
    return re.sub(r"[^-_a-z0-9]", "", folder.name.lower()).lstrip("-_")


def folders_of(project: str, containers: Iterable[ProjectContainer]) -> set[Path]:
    """The folders from which Compose has made the project's containers."""
    return {container.folder for container in containers if container.project == project}


def require_own(project: str, containers: Iterable[ProjectContainer]) -> None:
    """Raise `StackError` where the project is another clone's. One that is gone, or was moved here, has no folder."""
    for folder in sorted(folders_of(project, containers) - {PROJECT}):
        if folder.is_dir():
            raise StackError(
                f"The Compose project {project} is that of {folder}: stop it there with `make down`, or with "
                f"`docker compose -p {project} down`, or give this one a COMPOSE_PROJECT_NAME of its own."
            )


def project_containers() -> list[ProjectContainer]:
    """All that Compose has made on this engine, running or not; none where no engine answers."""
    command = ["docker", "ps", "--all", "--filter", f"label=com.docker.compose.{_PROJECT}"]
    return [_project_container(*line.split("\t")) for line in _lines(*command, "--format", "\t".join(_FIELDS))]


def held_ports(project: str) -> set[int]:
    """The ports of this machine that the project's running containers have."""
    return {port for container in project_containers() if container.project == project for port in container.ports}


def has_volumes(project: str) -> bool:
    """Whether the engine has volumes of the project."""
    return bool(
        _lines("docker", "volume", "ls", "--quiet", "--filter", f"label=com.docker.compose.{_PROJECT}={project}")
    )


def _project_container(project: str, folder: str, service: str, ports: str) -> ProjectContainer:
    # As in 127.0.0.1:8000->8000/tcp, 127.0.0.1:8001->8001/tcp
    published = frozenset(int(port) for port in re.findall(r":(\d+)->", ports))
    return ProjectContainer(project, Path(folder).resolve(), service, published)


def _lines(*command: str) -> list[str]:
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LIST_SECONDS)  # noqa: S603
        return done.stdout.splitlines()
    return []
