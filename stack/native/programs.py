"""The programs of a native stack: how each is started, and where it says that it is ready."""

from collections.abc import Iterable, Iterator

from stack.broker.provisioning import worker_queues
from stack.config import StackSettings
from stack.errors import StackError
from stack.interpreter import PYTHON
from stack.native.program import Program
from stack.status import API, CONSOLE, DLQ_WATCHER, RECEIVER

# A service is killed when it has not stopped this long after its drain should have ended. In that time it settles what
# was cut short.
STOP_MARGIN_SECONDS = 12
# The services' own default, of a long poll and of a drain.
DEFAULT_SECONDS = "20"


def programs(settings: StackSettings, broker: Program, queues_json: str, health_ports: Iterator[int]) -> list[Program]:
    """Every program of the stack, in the order of their start; each service takes one of `health_ports`."""
    queues = worker_queues(queues_json)
    services = [
        _api(settings, next(health_ports)),
        *(_consumer(settings, f"worker-{name}", ["services.worker", name], next(health_ports)) for name in queues),
        _consumer(settings, DLQ_WATCHER, ["services.dlq_watcher"], next(health_ports)),
    ]
    return [broker, receiver_program(settings), *services, console_program(settings, services)]


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
