"""Starts a stack of its own for the suite through the project's own commands, and breaks it on demand."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from types import MappingProxyType
from typing import Any

import boto3  # type: ignore[import-untyped]
import httpx

from stack.broker.api import connect
from stack.brokers import broker_of
from stack.config import RECEIVER_IN_CONTAINERS, ROOT
from stack.functions.lambda_api import POLLERS_PATH
from stack.functions.workforce import STACK
from stack.native.stack import NATIVE
from stack.native.supervisor import Supervisor
from stack.testing.own_stack import OwnStack
from tests.end_to_end.client import PATIENCE_SECONDS, wait_for


def _task_packages() -> list[str]:
    packages = ["services.tasks", "tests.end_to_end.task_types"]
    # Who has followed the documentation has that task type already.
    followed = (ROOT / "services" / "tasks" / "word_count.py").exists()
    return packages if followed else [*packages, "tests.end_to_end.worked_example"]


# Short, so that what is retried, lost or drained is seen within seconds; what all tests depend on not to be over, such
# as the time that SQS has to take a task, is longer than a busy machine stands still.
SETTINGS = {
    "API_KEYS": "",
    "TASK_PACKAGES": ",".join(_task_packages()),
    "SQS_WAIT_TIME_SECONDS": "2",
    "VISIBILITY_TIMEOUT_SECONDS": "8",
    "HEARTBEAT_SECONDS": "1",
    "DRAIN_TIMEOUT_SECONDS": "3",
    "DATA_TIMEOUT_SECONDS": "8",
    "ENQUEUE_TIMEOUT_SECONDS": "10",
    "CALLBACK_TIMEOUT_SECONDS": "8",
    "CALLBACK_IN_PLACE_RETRY_SECONDS": "0.1,0.2",
    "CALLBACK_RETRY_SCHEDULE_SECONDS": "1,1",
    "ALERT_WINDOW_SECONDS": "0.1",
}


class StackControl(OwnStack):
    """A stack of its own in the directory, natively or in containers as `MODE` says unless one is given.

    Its commands run in a shell that has its settings, and its surroundings too.
    """

    def __init__(
        self,
        directory: Path,
        *,
        mode: str | None = None,
        settings: Mapping[str, str] = SETTINGS,
        surroundings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.mode = mode or os.environ.get("MODE") or "native"
        self.broker = broker_of(os.environ)
        compose_file = f"{ROOT}/docker-compose.yml:{ROOT}/tests/end_to_end/compose.task-types.yml"
        super().__init__(directory, {**os.environ, **settings, "MODE": self.mode, "COMPOSE_FILE": compose_file})
        self.api_url = f"http://localhost:{self.ports['API_PORT']}"
        self.receiver_url = f"http://localhost:{self.ports['RECEIVER_PORT']}"
        self.console_url = f"http://localhost:{self.ports['CONSOLE_PORT']}"
        self.broker_url = f"http://localhost:{self.ports['LOCALSTACK_PORT']}"
        self.receiver_url_for_services = RECEIVER_IN_CONTAINERS if self.mode == "containers" else self.receiver_url
        self._supervisor = Supervisor(directory)
        self._plain_environment = self._environment
        self._environment = {**self._plain_environment, **surroundings}

    def in_plain_shell(self) -> "StackControl":
        """The same stack, and its commands without its surroundings."""
        plain = copy(self)
        plain._environment = self._plain_environment  # noqa: SLF001  # it is of this class
        return plain

    def pid(self, service: str) -> int:
        """Return the process id of the service, which is running, on this machine."""
        pid = self.pids()[service]
        # supervisord has 0 for one that is not running, by which kill(2) means the caller's whole process group.
        assert pid > 0
        return pid

    def pids(self) -> dict[str, int]:
        """Return the process ids of all services on this machine, 0 for one that is not running."""
        if self.mode != "containers":
            return {process.name: process.pid or 0 for process in self._supervisor.processes()}
        return {service["name"]: int(service["pid"] or 0) for service in self._containers()}

    def kill(self, pid: int) -> None:
        """End a service's process with SIGKILL; what keeps the stack running starts it again."""
        # A container's processes are processes of this machine too; a signal from the engine would end its restarts.
        os.kill(pid, signal.SIGKILL)

    def crash(self) -> None:
        """End the stack as a machine that goes down does: what keeps it running first, then all services."""
        if self.mode == "containers":
            # What the engine itself has killed it does not start again.
            own = f"label=com.docker.compose.project={self.project}"
            self._docker("kill", *self._docker("ps", "--quiet", "--filter", own).split())
            return
        pids = [pid for pid in self.pids().values() if pid]
        for pid in (int((self.directory / "supervisord.pid").read_text()), *pids):
            self.kill(pid)

    def pause(self, service: str) -> None:
        """Freeze the service: it holds its connections and answers nothing."""
        if self.mode != "containers":
            self._signal(service, signal.SIGSTOP)
        else:  # a signal would reach the container's init alone
            self._docker("pause", self._container(service))

    def resume(self, service: str) -> None:
        """Let a paused service go on."""
        if self.mode != "containers":
            self._signal(service, signal.SIGCONT)
        else:
            self._docker("unpause", self._container(service))

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Freeze all services inside the block, as a machine that is suspended does."""
        pids = {name: pid for name, pid in self.pids().items() if pid}
        broker: dict[str, int] = {self.broker.name: pids.pop(self.broker.name)}
        self._signal_all(signal.SIGSTOP, {**broker, **pids})
        try:
            yield
        finally:
            self._signal_all(signal.SIGCONT, broker)
            # It notices once a second what is visible again; the others may go on that much later.
            time.sleep(2)
            self._signal_all(signal.SIGCONT, pids)

    def _signal_all(self, number: signal.Signals, pids: Mapping[str, int]) -> None:
        if self.mode == "containers":
            self._docker("pause" if number == signal.SIGSTOP else "unpause", *map(self._container, pids))
            return
        for pid in pids.values():
            os.kill(pid, number)

    def stop(self, service: str) -> None:
        """Stop the service until `start`."""
        if self.mode == "lambda" and service not in self.pids():
            self.trigger(service, on=False)
            wait_for(lambda: not self.is_triggered(service), f"{service} at rest")
        elif self.mode != "containers":
            self._supervisor.stop([service])
        else:
            self._docker("stop", self._container(service))

    def start(self, service: str) -> None:
        """Start what was stopped."""
        if self.mode != "containers":
            self._supervisor.start([service])
        else:
            self._docker("start", self._container(service))

    def wait_until_healthy(self, *services: str) -> None:
        """Wait until these services work again, at the same time."""

        def are_healthy() -> bool:
            healths = self._healths()
            return {healths[service] for service in services} == {"healthy"}

        wait_for(are_healthy, f"a healthy {' and '.join(services)}")

    def _healths(self) -> dict[str, str]:
        # What `ps` shows, without a process for each look.
        if self.mode == "native":
            return {each.name: each.health for each in NATIVE.ps(self.settings())}
        return {service["name"]: service["health"] for service in self._containers()}

    def state(self) -> Any:
        """Return what the console knows of queues and services; `ps` has its queues from there too."""
        return httpx.get(f"{self.console_url}/api/state", timeout=PATIENCE_SECONDS).raise_for_status().json()

    def made_anew(self) -> Any:
        """Return what the console knows of queues that lost what they held; None where it knows of none."""
        return self.state()["made_anew"]

    def redrive_policy(self, queue: str) -> Any:
        """Return the queue's RedrivePolicy, as the broker has it."""
        with connect(self.settings()) as sqs:
            return sqs.redrive_policy(sqs.queue_urls()[queue])

    def dlq(self, *arguments: str) -> str:
        """Run `dlq` and return what it prints."""
        return self._stack("dlq", *arguments)

    def command(self, *arguments: str, input_text: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
        """Run one of the stack's commands with these settings in its shell, whatever its exit code."""
        return subprocess.run(  # noqa: S603  # the project's own commands
            [sys.executable, "-m", "stack", *arguments],
            cwd=ROOT,
            env={**self._environment, **settings},
            input=input_text,
            capture_output=True,
            text=True,
            check=False,
        )

    def exit_code_unread(self, *arguments: str) -> int:
        """Run one of the stack's commands, whose output nobody reads from its first line on."""
        with self.start_command(*arguments) as command:
            stop_reading(command)
            return command.wait()

    def start_command(
        self, *arguments: str, stdout: int = subprocess.PIPE, stderr: int | None = None, **settings: str
    ) -> subprocess.Popen[str]:
        """Start one of the stack's commands, whose output is read as it comes."""
        return subprocess.Popen(  # noqa: S603  # the project's own commands
            [sys.executable, "-m", "stack", *arguments],
            cwd=ROOT,
            env={**self._environment, **settings},
            stdout=stdout,
            stderr=stderr,
            text=True,
        )

    def services(self) -> list[str]:
        """Return the names of all services."""
        return list(self._healths())

    def aws(self, service: str) -> Any:
        """Return a client of one of the services of AWS that LocalStack stands for."""
        credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(service, endpoint_url=self._localstack_url_now, region_name="us-east-1", **credentials)

    @property
    def _localstack_url_now(self) -> str:
        # A command may have started it with another port since.
        port = json.loads((self.directory / "stack.json").read_text())["settings"]["LOCALSTACK_PORT"]
        return f"http://localhost:{port}"

    def trigger(self, function: str, *, on: bool) -> None:
        """Let its queues trigger the function, or none of them until the next `up`."""
        for uuid in self.triggers(function):
            self.aws("lambda").update_event_source_mapping(UUID=uuid, Enabled=on)

    def triggers(self, function: str) -> list[str]:
        """Return the ids of what triggers the function, switched on or off."""
        answer = self.aws("lambda").list_event_source_mappings(FunctionName=f"{STACK}-{function}")
        return [mapping["UUID"] for mapping in answer["EventSourceMappings"]]

    def is_triggered(self, function: str) -> bool:
        """Whether a queue of the function is polled, or a batch of it worked."""
        polling = httpx.get(f"{self._localstack_url_now}{POLLERS_PATH}", timeout=PATIENCE_SECONDS).json()["polling"]
        return not set(polling).isdisjoint(self.triggers(function))

    def function_pids(self, function: str) -> list[int]:
        """Return the processes of a function of this stack, none where it has none now."""
        name = f"AWS_LAMBDA_FUNCTION_NAME={STACK}-{function}".encode()
        return [
            int(process.name)
            for process in Path("/proc").glob("[0-9]*")
            if name in _environment_of(process) and _folder_of(process).is_relative_to(self.directory)
        ]

    def _containers(self) -> Any:
        return json.loads(self._stack("ps", "--json"))["services"]

    def _signal(self, service: str, number: signal.Signals) -> None:
        os.kill(self.pid(service), number)

    def _container(self, service: str) -> str:
        return f"{self.project}-{service}-1"

    def _docker(self, *arguments: str) -> str:
        return self._run("docker", *arguments)


def _environment_of(process: Path) -> list[bytes]:
    try:
        return (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _folder_of(process: Path) -> Path:
    try:
        return (process / "cwd").readlink()
    except OSError:
        return Path("/")


def stop_reading(command: subprocess.Popen[str]) -> None:
    """Read the first line of what it prints, and no more."""
    assert command.stdout is not None
    command.stdout.readline()
    command.stdout.close()
