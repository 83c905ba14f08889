"""The stack under test, with its own directory and ports: what is the same of processes and of functions."""

import os
import signal
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import ClassVar

from services.queueing.definition import QueueDefinition
from services.queues import define_queues
from services.task_types.loading import load_task_types
from stack.broker.api import connect
from stack.config import Mode, stack_settings
from stack.native.stack import NativeStack
from tests.chaos.evidence import QueuedMessage, read_queues
from tests.chaos.faults import Fault
from tests.chaos.plan import Targets
from tests.chaos.submissions import Kind
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


class ChaosStack(StackControl):
    """Started and stopped by the project's own commands, and broken while it runs."""

    runs_as: ClassVar[Mode]
    commands: ClassVar[NativeStack]
    """What the project's commands know of it."""
    kinds: ClassVar[Sequence[Kind]]
    """The tasks of its load."""
    client_concurrency: ClassVar[int]
    """Requests that its client has under way at a time."""
    sends_once: ClassVar[bool]
    """Whether a request that is answered 200 has put one message on its queue, never another one of the same task."""
    alert_logs: ClassVar[Sequence[str]]
    """The logs that have its alerts."""

    def __init__(self, directory: Path, random: Random, own_settings: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__(directory, mode=self.runs_as, settings={**_SETTINGS, **own_settings})
        self.database = directory / "receiver.sqlite3"
        self._random = random
        self._undelivered: dict[str, QueuedMessage] = {}
        self._environment["SLACK_API_URL"] = f"{self.receiver_url}/slack/api/"
        self._environment["RECEIVER_DATABASE"] = str(self.database)
        self._settings = stack_settings(self._environment, self.runs_as)

    @staticmethod
    @abstractmethod
    def targets() -> Targets:
        """What there is to break: it follows from the task types."""

    @property
    def figures(self) -> Mapping[str, str]:
        """How often it was broken in its own ways."""
        return {}

    @property
    def log_directory(self) -> Path:
        """Where every process logs."""
        return self.directory / "logs"

    @abstractmethod
    def surroundings(self) -> AbstractAsyncContextManager[None]:
        """Run inside the block what the stack needs around it."""

    @abstractmethod
    def start_all(self) -> None:
        """Start everything; returns when all is ready."""

    @abstractmethod
    def broken(self, fault: Fault) -> AbstractAsyncContextManager[None]:
        """Break what only such a stack has; behind the block it is mended, or mends itself."""

    def stop_now(self, service: str) -> None:
        """Stop the process until `start_now`; returns when it has ended."""
        self._supervisor.stop([service])

    def start_now(self, service: str) -> None:
        """Start what was stopped; returns before it is ready."""
        self._supervisor.start([service])

    def send(self, queue: str, bodies: Mapping[str, str]) -> set[str]:
        """Send messages to the queue, past any proxy; of the keys return those that LocalStack confirmed."""
        with connect(self._settings) as sqs:
            entries = [{"Id": key, "MessageBody": body} for key, body in bodies.items()]
            return bodies.keys() - sqs.send_batch(sqs.queue_urls()[queue], entries).keys()

    def read_queues(self) -> dict[str, list[QueuedMessage]]:
        """Read all messages of all queues, past any proxy."""
        with connect(self._settings) as sqs:
            return read_queues(sqs, self._undelivered)

    def unhealthy(self) -> list[str]:
        """The services that do not do their work now."""
        return [each.name for each in self.commands.ps(self._settings) if each.health != "healthy"]


def queues() -> Iterable[QueueDefinition]:
    """Return all queues of the stack."""
    return define_queues(load_task_types(list(TASK_PACKAGES))).values()


def consumed_queues() -> list[str]:
    """Return the names of those that something consumes."""
    return [queue.name for queue in queues() if queue.consumer]


def workers() -> list[str]:
    """Return the name of the worker of each queue from which work is done."""
    return [f"worker-{queue.name}" for queue in queues() if queue.consumer == "worker"]


def send_signal(pid: int, number: signal.Signals) -> None:
    """Send the signal, where the process still lives."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)
