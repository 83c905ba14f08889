"""What takes tasks and works them in a stack without containers, beside the broker, the receiver and the console."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from stack.config import StackSettings
from stack.native.broker_processes import BrokerProcess, process_of
from stack.native.program import Program
from stack.native.programs import programs
from stack.status import API, CONSOLE, RECEIVER, ServiceStatus
from stack.terminal import OnProgress


class Workforce(Protocol):
    """Processes of the services, or functions."""

    def broker(self, settings: StackSettings) -> BrokerProcess:
        """Return the broker that they need."""
        ...

    def install(self, settings: StackSettings) -> None:
        """Install what they need besides the services' own packages."""

    def queues_at_start(self, queues_json: str) -> str:
        """Return the queues, of these, that are to be made when the broker starts."""
        ...

    def programs(self, settings: StackSettings, queues_json: str, health_ports: Iterator[int]) -> Sequence[Program]:
        """Return every process of the stack, in the order of their start."""
        ...

    def prepare(self, settings: StackSettings, environment: Mapping[str, str], on_progress: OnProgress) -> None:
        """Make ready what they consist of, before anything is stopped or started."""

    def make_room(self, settings: StackSettings) -> None:
        """Remove what they have left of an earlier start: nothing of the stack runs."""

    def begin(self, settings: StackSettings, on_progress: OnProgress) -> None:
        """Let them be there: the broker is ready, and the processes are about to start."""

    def end(
        self,
        settings: StackSettings,
        stop: Callable[[Iterable[str]], None],
        names: Iterable[str],
        on_progress: OnProgress,
    ) -> None:
        """End what takes tasks, then what works them: what is in flight is finished. `names` are all processes."""

    def statuses(self, settings: StackSettings) -> Sequence[ServiceStatus]:
        """Return those that are no processes of supervisord's."""
        ...

    def logs(self, settings: StackSettings) -> Mapping[str, Path]:
        """Return the log files of those, by their names."""
        ...


class ServiceProcesses:
    """The services as processes."""

    def broker(self, settings: StackSettings) -> BrokerProcess:
        """Return that of `BROKER`."""
        return process_of(settings.broker)

    def install(self, settings: StackSettings) -> None:
        """Install the broker."""
        self.broker(settings).install(settings)

    def queues_at_start(self, queues_json: str) -> str:
        """Return all queues."""
        return queues_json

    def programs(self, settings: StackSettings, queues_json: str, health_ports: Iterator[int]) -> Sequence[Program]:
        """Return the broker, the receiver, the services and the console."""
        return programs(settings, self.broker(settings).program(settings), queues_json, health_ports)

    def prepare(self, _settings: StackSettings, _environment: Mapping[str, str], _on_progress: OnProgress) -> None:
        """Do nothing: they run from their source."""

    def make_room(self, _settings: StackSettings) -> None:
        """Do nothing: they leave nothing."""

    def begin(self, _settings: StackSettings, _on_progress: OnProgress) -> None:
        """Do nothing: supervisord starts them."""

    def end(
        self,
        settings: StackSettings,
        stop: Callable[[Iterable[str]], None],
        names: Iterable[str],
        on_progress: OnProgress,
    ) -> None:
        """Stop the API and the console, then the workers and the DLQ watcher."""
        on_progress("Stopping the API and the console.")
        stop([API, CONSOLE])
        on_progress("Stopping the workers and the DLQ watcher: they finish what they have in flight.")
        stop([name for name in names if name not in {settings.broker.name, RECEIVER, API, CONSOLE}])

    def statuses(self, _settings: StackSettings) -> Sequence[ServiceStatus]:
        """Return none."""
        return []

    def logs(self, _settings: StackSettings) -> Mapping[str, Path]:
        """Return none."""
        return {}
