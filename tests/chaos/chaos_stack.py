"""The stack under test: native, with its own directory and ports, and two processes for each queue of a worker."""

import os
import re
import signal
import sys
from collections.abc import Iterable, Mapping
from configparser import RawConfigParser
from contextlib import suppress
from pathlib import Path

from services.queueing.definition import QueueDefinition
from services.queues import define_queues
from services.task_types.loading import load_task_types
from stack.config import stack_settings
from stack.localstack.api import connect
from stack.ports import free_port
from stack.status import API, DLQ_WATCHER, RECEIVER
from tests.chaos.evidence import QueuedMessage, read_queues
from tests.chaos.plan import SignalName, Targets
from tests.end_to_end.stack_control import SETTINGS, StackControl

TASK_PACKAGES = ("services.tasks", "tests.end_to_end.task_types")
TASK_TIMEOUT_SECONDS = 4.0
VISIBILITY_TIMEOUT_SECONDS = 6
IN_PLACE_RETRY_SECONDS = (0.2, 0.5)

# Those of the end-to-end suite, and what makes everything settle within about a minute after the last fault.
_SETTINGS = {
    **SETTINGS,
    "TASK_PACKAGES": ",".join(TASK_PACKAGES),
    "VISIBILITY_TIMEOUT_SECONDS": str(VISIBILITY_TIMEOUT_SECONDS),
    "TASK_TIMEOUT_SECONDS": str(TASK_TIMEOUT_SECONDS),
    # Each less than what waits for it: an attempt, the client of the load, a pause of the receiver.
    "DATA_TIMEOUT_SECONDS": "2",
    "ENQUEUE_TIMEOUT_SECONDS": "3",
    "CALLBACK_TIMEOUT_SECONDS": "3",
    "CALLBACK_IN_PLACE_RETRY_SECONDS": ",".join(map(str, IN_PLACE_RETRY_SECONDS)),
    "CALLBACK_RETRY_SCHEDULE_SECONDS": "1,1,2,3,4,5,5",
    "ALERT_WINDOW_SECONDS": "3",
    "ALLOWED_PRIVATE_TARGETS": "localhost,127.0.0.0/8,::1/128",
    # Whatever a developer's .env says: nothing of a run goes elsewhere.
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "QUEUE_NAME_PREFIX": "",
    "CALLBACK_SIGNING_SECRET": "whsec_Zm9yIHRoZSBmYXVsdCB0ZXN0cyBvbmx5LCBubyBzZWNyZXQ=",
    "SLACK_BOT_TOKEN": "xoxb-chaos",
    "SLACK_CHANNEL": "#alerts",
    "TASK_DELAY_SECONDS": "0",
    "LOG_LEVEL": "INFO",
    # A line for each event, whatever stands in it.
    "LOG_FORMAT": "json",
}


def targets() -> Targets:
    """What there is to break: it follows from the task types."""
    return Targets(
        workers=[(worker, _second(worker)) for worker in _workers()],
        others=(DLQ_WATCHER, API, RECEIVER),
        queues=[queue.name for queue in _queues() if queue.consumer],
        visibility_timeout_seconds=VISIBILITY_TIMEOUT_SECONDS,
        in_place_seconds=sum(IN_PLACE_RETRY_SECONDS),
    )


def _queues() -> Iterable[QueueDefinition]:
    return define_queues(load_task_types(list(TASK_PACKAGES))).values()


def _workers() -> list[str]:
    return [f"worker-{queue.name}" for queue in _queues() if queue.consumer == "worker"]


def _second(worker: str) -> str:
    return f"{worker}-2"


class ChaosStack(StackControl):
    """Started and stopped by the project's own commands; its processes are signalled one by one."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, mode="native", settings=_SETTINGS)
        self.directory = directory
        self.database = directory / "receiver.sqlite3"
        self._environment["SLACK_API_URL"] = f"{self.receiver_url}/slack/api/"
        self._environment["RECEIVER_DATABASE"] = str(self.database)
        self._settings = stack_settings(self._environment, "native")

    @property
    def log_directory(self) -> Path:
        """Where every process logs."""
        return self.directory / "logs"

    def start_with_broker_at(self, url: str) -> None:
        """Start everything, with what stands at the URL between the services and LocalStack."""
        self._environment["LOCALSTACK_URL_FOR_SERVICES"] = url
        self.up()
        self._add_second_workers()

    def remove(self) -> None:
        """Stop everything; the second workers first, of which `down` knows nothing."""
        if self._supervisor.is_running():
            self._supervisor.stop(_second(worker) for worker in _workers())
        super().remove()

    def signal(self, services: Iterable[str], name: SignalName) -> dict[str, int]:
        """Send the signal to those of the services that run; return their process ids."""
        pids = {process.name: process.pid for process in self._supervisor.processes() if process.pid}
        reached = {service: pids[service] for service in services if service in pids}
        for pid in reached.values():
            _signal(pid, signal.Signals[name])
        return reached

    def resume_processes(self, pids: Iterable[int]) -> None:
        """Let paused processes go on, where they still live."""
        for pid in pids:
            _signal(pid, signal.SIGCONT)

    def stop_now(self, service: str) -> None:
        """Stop the service until `start_now`; returns when it has ended."""
        self._supervisor.stop([service])

    def start_now(self, service: str) -> None:
        """Start what was stopped; returns before it is ready."""
        self._supervisor.start([service])

    def send(self, queue: str, bodies: Mapping[str, str]) -> set[str]:
        """Send messages to the queue, past the proxy; of the keys return those that LocalStack confirmed."""
        with connect(self._settings) as sqs:
            entries = [{"Id": key, "MessageBody": body} for key, body in bodies.items()]
            return sqs.send_batch(sqs.queue_urls()[queue], entries)

    def read_queues(self) -> dict[str, list[QueuedMessage]]:
        """Read all messages of all queues, past the proxy."""
        with connect(self._settings) as sqs:
            return read_queues(sqs)

    def unhealthy(self) -> list[str]:
        """The services that do not do their work now."""
        return [name for name, health in self._healths().items() if health != "healthy"]

    def _add_second_workers(self) -> None:
        """Give supervisord a second program like each worker, with a port of its own for its health."""
        file = self.directory / "supervisord.conf"
        planned, added = RawConfigParser(), RawConfigParser()
        planned.read(file)
        for worker in _workers():
            program = dict(planned[f"program:{worker}"])
            program["environment"] = re.sub(r'(?<=HEALTH_PORT=")\d+', str(free_port()), program["environment"])
            program["stdout_logfile"] = f"logs/{_second(worker)}.log"
            added[f"program:{_second(worker)}"] = program
        with file.open("a") as stream:
            added.write(stream)
        names = [_second(worker) for worker in _workers()]
        control = [sys.executable, "-m", "supervisor.supervisorctl", "-s", self._supervisor.url]
        self._run(*control, "update", *names)
        self._supervisor.start(names)


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
