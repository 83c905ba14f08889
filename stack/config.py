"""What a stack on this machine is: its mode, ports and state directory, and the addresses that follow from them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from stack import observability
from stack.brokers import LOCALSTACK, Broker, broker_of
from stack.errors import StackError

ROOT = Path(__file__).resolve().parent.parent
"""This clone."""

PROJECT = Path(os.environ.get("PROJECT_DIR") or ROOT).resolve()
"""Whose stack it is: this clone's, or that of a project of one's own task types (stack/project.mk). Its folder has the
`.env`, the state, the Dockerfile and Compose's override."""

REQUIREMENTS = PROJECT / "requirements.txt"
"""What a project of one's own task types needs besides; this clone has none (stack/setup.sh)."""

COMPOSE_FILE = ROOT / "docker-compose.yml"

Mode = Literal["native", "containers", "lambda"]

DeploymentTarget = Literal["lambda", "containers", "receiver"]
"""What is deployed to AWS: the services as functions or in containers, or the receiver alone."""

Machine = Literal["x86_64", "arm64"]
"""What they run on there, as Lambda calls it."""

LARGEST_PORT = 65535

DEFAULT_DIRECTORY = PROJECT / ".stack"
PROJECT_NAME = "COMPOSE_PROJECT_NAME"

# Inside the containers' network every service has its own host name and its default port.
RECEIVER_IN_CONTAINERS = "http://receiver:9000"
LOCALSTACK_IN_CONTAINERS = "http://localstack:4566"


@dataclass(frozen=True)
class StackSettings:
    """One stack: several run side by side where each has its own ports and `directory`."""

    mode: Mode
    api_port: int = 8000
    receiver_port: int = 9000
    localstack_port: int = 4566
    console_port: int = 8080
    prometheus_port: int = 9090
    grafana_port: int = 3000
    jaeger_port: int = 16686
    directory: Path = DEFAULT_DIRECTORY
    broker: Broker = LOCALSTACK
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The merged settings (see `stack.environment`), for the services."""

    @property
    def api_url(self) -> str:
        """The API as this machine reaches it."""
        return f"http://localhost:{self.api_port}"

    @property
    def receiver_url(self) -> str:
        """The receiver as this machine reaches it."""
        return f"http://localhost:{self.receiver_port}"

    @property
    def localstack_url(self) -> str:
        """LocalStack, or the broker in its place, as this machine reaches it."""
        return f"http://localhost:{self.localstack_port}"

    @property
    def console_url(self) -> str:
        """The console as this machine reaches it."""
        return f"http://localhost:{self.console_port}"

    @property
    def receiver_url_for_services(self) -> str:
        """The receiver as the services reach it."""
        return RECEIVER_IN_CONTAINERS if self.mode == "containers" else self.receiver_url

    @property
    def localstack_url_for_services(self) -> str:
        """LocalStack as the services reach it: natively, `LOCALSTACK_URL_FOR_SERVICES` can put a proxy between."""
        if self.mode == "containers":
            return LOCALSTACK_IN_CONTAINERS
        return self.environment.get("LOCALSTACK_URL_FOR_SERVICES") or self.localstack_url

    @property
    def callback_url(self) -> str:
        """The receiver's inbox, to be given with a task."""
        return f"{self.receiver_url_for_services}/callback"

    @property
    def source_url(self) -> str:
        """The receiver's sample data source, for data tasks."""
        return f"{self.receiver_url_for_services}/source"

    @property
    def project(self) -> str:
        """The Compose project of its containers."""
        return self.environment.get(PROJECT_NAME, "")

    @property
    def ports(self) -> dict[str, int]:
        """The ports that this machine must have free, by the setting that changes each."""
        ports = {
            "API_PORT": self.api_port,
            "RECEIVER_PORT": self.receiver_port,
            "LOCALSTACK_PORT": self.localstack_port,
            "CONSOLE_PORT": self.console_port,
        }
        return ports | (self.observability_ports if observability.is_wanted(self.environment) else {})

    @property
    def observability_ports(self) -> dict[str, int]:
        """Those of the pages that look at the stack, where they are wanted."""
        return {
            "GRAFANA_PORT": self.grafana_port,
            "PROMETHEUS_PORT": self.prometheus_port,
            "JAEGER_PORT": self.jaeger_port,
        }


def stack_settings(environment: Mapping[str, str], mode: Mode) -> StackSettings:
    """Read the settings of a stack that runs in `mode`.

    Raises `StackError`, which names the setting, where one cannot work.
    """
    settings = StackSettings(
        mode=mode,
        api_port=_port(environment, "API_PORT", 8000),
        receiver_port=_port(environment, "RECEIVER_PORT", 9000),
        localstack_port=_port(environment, "LOCALSTACK_PORT", 4566),
        console_port=_port(environment, "CONSOLE_PORT", 8080),
        prometheus_port=_port(environment, "PROMETHEUS_PORT", 9090),
        grafana_port=_port(environment, "GRAFANA_PORT", 3000),
        jaeger_port=_port(environment, "JAEGER_PORT", 16686),
        directory=stack_directory(environment),
        broker=_broker(environment, mode),
        environment=environment,
    )
    _refuse_shared_ports(settings)
    return settings


def stack_directory(environment: Mapping[str, str]) -> Path:
    """Where a stack keeps its state, logs and saved messages: `STACK_DIR`, relative to the project."""
    return PROJECT / Path(environment.get("STACK_DIR") or DEFAULT_DIRECTORY).expanduser()


def directory_for_aws(environment: Mapping[str, str]) -> Path:
    """Where what is deployed is put together: packages, and a folder for each stack on AWS."""
    return stack_directory(environment) / "aws"


def wanted_mode(environment: Mapping[str, str]) -> Mode | None:
    """The mode that `MODE` asks for; None where it asks for nothing, and so does `BROKER`.

    Raises `StackError` for any other word.
    """
    wanted = environment.get("MODE")
    if not wanted:
        return None if broker_of(environment) == LOCALSTACK else "native"
    modes: tuple[Mode, ...] = get_args(Mode)
    for mode in modes:
        if wanted == mode:
            return mode
    raise StackError(f"MODE={wanted} is not a mode: use MODE=native, MODE=containers or MODE=lambda, or leave it out.")


def _broker(environment: Mapping[str, str], mode: Mode) -> Broker:
    broker = broker_of(environment)
    if broker != LOCALSTACK and mode != "native":
        raise StackError(
            f"BROKER={broker.name} runs natively alone, where MODE={mode} needs LocalStack: use MODE=native, or leave"
            " BROKER out."
        )
    return broker


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if text.isdecimal() and 0 < int(text) <= LARGEST_PORT:
        return int(text)
    raise StackError(f"{name}={text} is not a port: use a number from 1 to {LARGEST_PORT}.")


def _refuse_shared_ports(settings: StackSettings) -> None:
    taken: dict[int, str] = {}
    for name, port in settings.ports.items():
        if port in taken:
            raise StackError(f"{taken[port]} and {name} are both {port}: each needs a port of its own.")
        taken[port] = name
