"""The programs of a native stack: how each is started, and where it says that it is ready."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from stack.config import StackSettings
from stack.errors import StackError
from stack.interpreter import PYTHON
from stack.localstack.provisioning import worker_queues
from stack.native.localstack import COMMAND, environment_for, localstack_environment, localstack_python
from stack.status import API, CONSOLE, DLQ_WATCHER, LOCALSTACK, RECEIVER
from stack.task_types import aws_services_of, task_types_of

# A service is killed when it has not stopped this long after its drain should have ended. In that time it settles what
# was cut short.
STOP_MARGIN_SECONDS = 12
# The services' own default, of a long poll and of a drain.
DEFAULT_SECONDS = "20"


@dataclass(frozen=True)
class Program:
    """One process of the stack."""

    name: str
    command: list[str]
    health_url: str
    """Answers 200 while the program does its work."""
    environment: dict[str, str] = field(default_factory=dict)
    """What it has beyond the environment that all share."""
    stop_signal: Literal["TERM", "KILL"] = "TERM"
    """KILL goes to the processes that it has begun too, as it can end none of them."""
    stop_seconds: int = 10
    """It is killed when it has not ended this long after the stop signal."""


def programs(settings: StackSettings, queues_json: str, health_ports: Iterator[int]) -> list[Program]:
    """Every program of the stack, in the order of their start; each service takes one of `health_ports`."""
    queues = worker_queues(queues_json)
    services = [
        _api(settings, next(health_ports)),
        *(_consumer(settings, f"worker-{name}", ["services.worker", name], next(health_ports)) for name in queues),
        _consumer(settings, DLQ_WATCHER, ["services.dlq_watcher"], next(health_ports)),
    ]
    return [_localstack(settings), receiver_program(settings), *services, console_program(settings, services)]


def _localstack(settings: StackSettings) -> Program:
    others = aws_services_of(task_types_of(settings.environment))
    return Program(
        name=LOCALSTACK,
        command=[str(localstack_python(environment_for(settings))), *COMMAND],
        health_url=f"{settings.localstack_url}/_localstack/health",
        environment=localstack_environment(settings.localstack_port, settings.directory / "localstack", others),
        # Its messages are saved by then, so it has nothing to end in order, for which it would take 4 s.
        stop_signal="KILL",
    )


def receiver_program(settings: StackSettings) -> Program:
    """Return the receiver."""
    database = settings.environment.get("RECEIVER_DATABASE") or str(settings.directory / "receiver.sqlite3")
    return Program(
        name=RECEIVER,
        command=[PYTHON, "-m", "receiver"],
        health_url=f"{settings.receiver_url}/healthcheck",
        environment={"RECEIVER_PORT": str(settings.receiver_port), "RECEIVER_DATABASE": database},
        stop_seconds=2,
    )


def _api(settings: StackSettings, health_port: int) -> Program:
    return Program(
        name=API,
        command=[PYTHON, "-m", "services.api"],
        health_url=f"{settings.api_url}/readyz",
        environment={"API_PORT": str(settings.api_port), **_internal_address(health_port)},
    )


def _consumer(settings: StackSettings, name: str, module: list[str], health_port: int) -> Program:
    return Program(
        name=name,
        command=[PYTHON, "-m", *module],
        health_url=f"http://127.0.0.1:{health_port}/readyz",
        environment=_internal_address(health_port),
        stop_seconds=_drain_seconds(settings) + STOP_MARGIN_SECONDS,
    )


def console_program(settings: StackSettings, services: Iterable[Program]) -> Program:
    """Return the console, set up with where each of the services says what it is doing."""
    ports = {service.name: service.environment["HEALTH_PORT"] for service in services}
    return Program(
        name=CONSOLE,
        command=[PYTHON, "-m", "services.console"],
        health_url=f"{settings.console_url}/healthcheck",
        environment={
            "CONSOLE_PORT": str(settings.console_port),
            "CONSOLE_API_URL": settings.environment.get("CONSOLE_API_URL") or settings.api_url,
            "CONSOLE_INBOX_URL": settings.environment.get("CONSOLE_INBOX_URL") or settings.receiver_url,
            "CONSOLE_SERVICES": ",".join(f"{name}=http://127.0.0.1:{port}" for name, port in ports.items()),
        },
    )


def _internal_address(health_port: int) -> dict[str, str]:
    return {"HEALTH_HOST": "127.0.0.1", "HEALTH_PORT": str(health_port)}


def _drain_seconds(settings: StackSettings) -> int:
    """How long a consumer may take to stop: a long poll that has just begun, then the drain."""
    return round(_seconds(settings, "SQS_WAIT_TIME_SECONDS") + _seconds(settings, "DRAIN_TIMEOUT_SECONDS"))


def _seconds(settings: StackSettings, name: str) -> float:
    text = settings.environment.get(name) or DEFAULT_SECONDS
    try:
        return float(text)
    except ValueError:
        raise StackError(f"{name}={text} is not a number of seconds.") from None
