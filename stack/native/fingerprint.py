"""Says whether the code, the packages or the settings of a running stack have changed since it was started."""

import platform
import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

from stack.config import COMPOSE_FILE, REQUIREMENTS, ROOT, StackSettings
from stack.environment import DOT_ENV, dot_env_settings, service_environment
from stack.native.broker_processes import made_of
from stack.requirement_files import requirement_files
from stack.task_types import declared_settings, package_folders, task_types_of

SOURCES = ("services", "receiver", "web", "localstack-init")
# The development tools' environment has them too, so that it may take the place of that which the stack was started in.
LOCK = ROOT / "requirements" / "stack.txt"
EXAMPLE = ROOT / ".env.example"

# The commands' own: what follows from them for the services counts as such, and they change nothing else.
READ_BY_COMMANDS = {
    "MODE",
    "BROKER",
    "API_PORT",
    "RECEIVER_PORT",
    "CONSOLE_PORT",
    "LOCALSTACK_PORT",
    "OBSERVABILITY",
    "PROMETHEUS_PORT",
    "GRAFANA_PORT",
    "JAEGER_PORT",
    "LOCALSTACK_URL_FOR_SERVICES",
    "STACK_DIR",
    "LOCALSTACK_AUTH_TOKEN",
    "LOCALSTACK_IMAGE",
}


def fingerprint(
    settings: StackSettings, lock: Path = LOCK, dot_env: Path = DOT_ENV, compose_file: Path = COMPOSE_FILE
) -> str:
    """The same text for the same code, the same packages, the same ports and the same settings."""
    broker_python, broker_files = made_of(settings.broker)
    digest = sha256(
        f"{platform.python_version()}\n{broker_python}\n{settings.broker.name}\n{settings.ports}\n".encode()
    )
    for file in [*broker_files, *_source_files(lock, package_folders(settings.environment))]:
        digest.update(str(file).encode() + file.read_bytes())
    environment = service_environment(settings)
    declared = declared_settings(task_types_of(settings.environment))
    for name in sorted({*_settings_of_services(dot_env, compose_file), *declared} - READ_BY_COMMANDS):
        digest.update(f"{name}={environment.get(name, '')}\n".encode())
    return digest.hexdigest()


def setting_names(example: str) -> list[str]:
    """The settings that `.env.example` lists, where each is commented out."""
    return re.findall(r"^# ?([A-Z][A-Z0-9_]*)=", example, flags=re.MULTILINE)


def _settings_of_services(dot_env: Path, compose_file: Path) -> set[str]:
    """Those that the project knows, those that its task types declare, and what else `.env` says."""
    # That file lists what follows from the code: `generate` has just written it.
    declared = re.findall(r"^  ([A-Z][A-Z0-9_]*):", compose_file.read_text(), flags=re.MULTILINE)
    return {*setting_names(EXAMPLE.read_text()), *declared, *dot_env_settings(dot_env)}


def _source_files(lock: Path, packages: Iterable[Path]) -> Iterator[Path]:
    """The packages are those of task types."""
    yield lock
    yield from requirement_files(REQUIREMENTS)
    for folder in dict.fromkeys([*(ROOT / source for source in SOURCES), *packages]):
        for file in sorted(folder.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                yield file
