"""The stack without containers: the same programs as processes of this machine, under supervisord."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

from stack import observability, state
from stack.broker import saved_messages
from stack.broker.api import broker_readiness
from stack.broker.last_save import BrokerState, after_its_end, refuse_paused, stop_and_save
from stack.broker.provisioning import render_queues
from stack.brokers import Broker
from stack.config import StackSettings
from stack.environment import service_environment
from stack.errors import no_such_service
from stack.logs import files as log_files
from stack.logs.command import as_evidence
from stack.logs.line import RawLine
from stack.native.fingerprint import fingerprint
from stack.native.localstack import require_startable
from stack.native.orphans import find_orphans, is_stopped, stop_orphans
from stack.native.supervisor import BROKEN, Process, Supervisor, log_file
from stack.native.workforce import ServiceProcesses, Workforce
from stack.ports import free_port, require_free_ports
from stack.readiness import (
    READY,
    READY_SECONDS,
    Probe,
    Readiness,
    http_probe,
    wait_until_all_ready,
)
from stack.status import RECEIVER, ServiceStatus
from stack.task_types import own_task_types_of
from stack.terminal import OnProgress, say
from stack.whole_file import write_whole

EVIDENCE_LINES = 15


@dataclass(frozen=True)
class Record:
    """What `up` notes of the stack for the commands that follow."""

    fingerprint: str = ""
    health_urls: dict[str, str] = field(default_factory=dict)
    """By service name, in the order of the start."""
    is_up: bool = False
    """Whether all of it was ready, and has not been stopped by `down` since."""


class NativeStack:
    """A stack without containers, whose tasks a workforce takes and works."""

    def __init__(self, workforce: Workforce) -> None:
        self._workforce = workforce

    def up(self, settings: StackSettings, before: StackSettings | None, on_progress: OnProgress = say) -> None:
        """Start what does not run; return when all is ready. Raises `StackError` where something does not get ready.

        `before` is how it runs until now. What can fail is done before anything of that is stopped.
        """
        before = before or settings
        observability.refuse_natively(settings.environment)
        self._workforce.install(settings)
        supervisor = Supervisor(settings.directory)
        refuse_paused(before.broker, _broker_state(supervisor, before.broker))
        environment = service_environment(settings)
        self._workforce.prepare(settings, environment, on_progress)
        if supervisor.is_running() and _recorded(settings).fingerprint != fingerprint(settings):
            require_startable(environment, is_running=True)
            require_free_ports(settings, before.ports.values())
            on_progress("Code or settings have changed since the start: restarting.")
            self.down(before, on_progress)
        if supervisor.is_running():
            on_progress("It is up already: checking that all is ready.")
            state.remember(settings)
        else:
            if own_task_types_of(settings.environment):
                # Found at once, and not when what exits has been waited for.
                require_startable(environment, is_running=False)
            self._launch(supervisor, settings, before, on_progress)
        self._start_in_order(supervisor, settings, on_progress)
        _record(settings, replace(_recorded(settings), is_up=True))

    def down(self, settings: StackSettings, on_progress: OnProgress = say, *, force: bool = False) -> None:
        """Stop all: first what takes tasks in, then what works on them; then save what is still in the queues.

        Raises `StackError` where that cannot be saved and nothing forces it.
        """
        supervisor = Supervisor(settings.directory)
        stop = _stopper(supervisor)

        def stop_consumers() -> None:
            self._workforce.end(settings, stop, _health_urls(settings), on_progress)

        stop_and_save(
            settings, lambda: _broker_state(supervisor, settings.broker), stop_consumers, on_progress, force=force
        )
        on_progress(f"Stopping {settings.broker.title} and the receiver.")
        stop([settings.broker.name, RECEIVER])
        supervisor.shut_down()
        stop_orphans(supervisor.url)
        _record(settings, replace(_recorded(settings), is_up=False))

    def ps(self, settings: StackSettings) -> list[ServiceStatus]:
        """Every process of the stack, and what of the workforce is none; nothing where supervisord does not run."""
        supervisor = Supervisor(settings.directory)
        if not supervisor.is_running():
            return []
        processes = {process.name: process for process in supervisor.processes()}
        # While another command starts it, what is noted may be of the start before.
        urls = {name: url for name, url in _health_urls(settings).items() if name in processes}
        with ThreadPoolExecutor() as threads:
            statuses = list(threads.map(partial(_status, settings), (processes[name] for name in urls), urls.values()))
        return [*statuses, *self._workforce.statuses(settings)]

    def log_lines(
        self, settings: StackSettings, service: str | None, *, last: int | None, follow: bool
    ) -> Iterator[list[RawLine]]:
        """The last lines of each log, or all that is kept where `last` is None; with `follow`, what comes then.

        Raises `StackError` where there is no such service.
        """
        files = {name: log_file(settings.directory, name) for name in _health_urls(settings)}
        files |= self._workforce.logs(settings)
        if service is not None and service not in files:
            raise no_such_service(service, list(files))
        meant = {name: file for name, file in files.items() if service in {None, name}}
        return log_files.whole(meant) if last is None else log_files.end(meant, last, follow=follow)

    def _launch(
        self, supervisor: Supervisor, settings: StackSettings, before: StackSettings, on_progress: OnProgress
    ) -> None:
        if find_orphans(supervisor.url):
            on_progress("Stopping what a supervisord that has crashed left behind.")
            self.down(before, on_progress)
        elif _recorded(settings).is_up:
            on_progress(f"The stack ended without `make down`: {after_its_end(before.broker)}")
        require_free_ports(settings)
        state.remember(settings)
        if settings.broker.keeps_messages:
            # Whatever ends it: how much that is, `down` counts.
            state.note_kept_messages(settings.directory, settings.broker, None)
        self._workforce.make_room(settings)
        environment = service_environment(settings)
        queues_json = render_queues(environment)
        self._workforce.broker(settings).prepare(settings, self._workforce.queues_at_start(queues_json))
        # For the consumers' health endpoints: found once at the start, as several stacks may run.
        planned = self._workforce.programs(settings, queues_json, iter(free_port, None))
        supervisor.launch(planned, environment)
        _record(settings, Record(fingerprint(settings), {program.name: program.health_url for program in planned}))

    def _start_in_order(self, supervisor: Supervisor, settings: StackSettings, on_progress: OnProgress) -> None:
        broker = self._workforce.broker(settings)
        if supervisor.start([settings.broker.name, RECEIVER]):
            on_progress(f"Starting {settings.broker.title} and the receiver.")
        self._wait(supervisor, settings, {settings.broker.name: broker.probe(settings)}, on_progress)
        broker.keep_for_next_start(settings)
        self._workforce.begin(settings, on_progress)
        saved_messages.restore(settings, on_progress)
        urls = _health_urls(settings)
        if supervisor.start(urls):
            on_progress("Starting the API, the workers, the DLQ watcher and the console.")
        self._wait(supervisor, settings, {name: _probe(settings, name, url) for name, url in urls.items()}, on_progress)

    def _wait(
        self, supervisor: Supervisor, settings: StackSettings, probes: Mapping[str, Probe], on_progress: OnProgress
    ) -> None:
        """Wait for the programs; none may exit meanwhile. The error shows the end of its log."""
        pids = {process.name: process.pid for process in supervisor.processes()}

        def look() -> dict[str, Readiness | Probe]:
            processes = {process.name: process for process in supervisor.processes()}
            return {name: known_readiness(processes[name], pids[name]) or probe for name, probe in probes.items()}

        def evidence_of(name: str) -> str:
            return as_evidence(self.log_lines(settings, name, last=EVIDENCE_LINES, follow=False))

        wait_until_all_ready(look, READY_SECONDS, evidence_of, on_progress)


NATIVE = NativeStack(ServiceProcesses())


def known_readiness(process: Process, pid_before: int | None) -> Readiness | None:
    """What supervisord knows of it; None where it is to be asked. Pure."""
    if process.state in BROKEN or process.pid != pid_before:
        return Readiness("failed", f"it exits at its start (make logs SERVICE={process.name})")
    return None


def _stopper(supervisor: Supervisor) -> Callable[[Iterable[str]], None]:
    """How to stop programs by name, whether or not their supervisord lives."""
    if supervisor.is_running():
        return supervisor.stop
    return lambda names: stop_orphans(supervisor.url, set(names).__contains__)


def _broker_state(supervisor: Supervisor, broker: Broker) -> BrokerState:
    pid = _pid_of(broker, supervisor)
    if pid is None:
        return BrokerState("ended")
    return BrokerState("paused", f"kill -CONT {pid}") if is_stopped(pid) else BrokerState("running")


def _pid_of(broker: Broker, supervisor: Supervisor) -> int | None:
    if supervisor.is_running():
        return next((process.pid for process in supervisor.processes() if process.name == broker.name), None)
    return next((pid for pid, name in find_orphans(supervisor.url).items() if name == broker.name), None)


def _probe(settings: StackSettings, name: str, health_url: str) -> Probe:
    """How to ask it: a broker by SQS's own API, all others at their health endpoints."""
    return partial(broker_readiness, settings) if name == settings.broker.name else http_probe(health_url)


def _status(settings: StackSettings, process: Process, health_url: str) -> ServiceStatus:
    is_healthy = _probe(settings, process.name, health_url)() == READY
    return ServiceStatus(
        name=process.name,
        state=process.state.lower(),
        health="healthy" if is_healthy else "unhealthy",
        pid=process.pid,
        uptime_seconds=process.uptime_seconds,
        health_url=health_url,
    )


def _health_urls(settings: StackSettings) -> dict[str, str]:
    return _recorded(settings).health_urls


def _recorded(settings: StackSettings) -> Record:
    file = _record_file(settings)
    return Record(**json.loads(file.read_text())) if file.exists() else Record()


def _record(settings: StackSettings, record: Record) -> None:
    write_whole(_record_file(settings), json.dumps(asdict(record)))


def _record_file(settings: StackSettings) -> Path:
    return settings.directory / "native.json"
