"""Where everything is measured: a broker, a receiver, and systems that are started beside them."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.broker import Broker, running_broker
from bench.errors import BenchError
from bench.processes import Process, Usage, of_tree, running
from bench.systems import PROJECT_PYTHON, Place, System
from stack.config import ROOT
from stack.ports import free_port
from stack.readiness import READY_SECONDS, http_probe, wait_until_ready

WARM_UP_TASKS = 40
# Longer than the visibility timeout: a message that was dropped has come back by then, and is no loss.
LONGEST_SILENCE_SECONDS = 75.0

WORKER, API, PRODUCER, LOCALSTACK, RECEIVER = "worker", "API", "producer", "LocalStack", "receiver"

_POLL_SECONDS = 0.05

Submitted = Mapping[str, float]
"""By task id: the monotonic time at which its turn came."""
Arrivals = Mapping[str, Sequence[float]]
"""By task id: the monotonic times at which the receiver heard of it."""


class Receiver:
    """The process that takes the callbacks."""

    def __init__(self, url: str, process: Process, client: httpx.Client) -> None:
        self.callback_url = f"{url}/callback"
        self.process = process
        self._client = client

    def count(self) -> int:
        """Return of how many tasks it has heard."""
        return int(self._client.get("/count").json())

    def arrivals(self) -> Arrivals:
        """Return when it heard of which task."""
        arrivals: Arrivals = self._client.get("/arrivals").json()
        return arrivals

    def forget(self) -> None:
        """Begin anew."""
        self._client.delete("/arrivals")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was used until a moment."""

    requests: Counter[str]
    usage: Mapping[str, Usage]


@dataclass(frozen=True)
class Running:
    """A system at work."""

    system: System
    place: Place
    processes: Mapping[str, Sequence[Process]]
    """By role."""
    receiver: Receiver
    broker: Broker

    @property
    def workers(self) -> Sequence[Process]:
        """Its workers."""
        return self.processes[WORKER]

    def submit(self, tasks: int, per_second: float | None = None) -> Submitted:
        """Submit so many tasks, as fast as it goes or at a rate; return when all are submitted."""
        job = json.dumps({"tasks": tasks, "per_second": per_second})
        submitted: Submitted = json.loads(self.processes[PRODUCER][0].ask(job))
        return submitted

    def hear(self, submitted: Submitted, observe: Callable[[int], None] = lambda _: None) -> Arrivals:
        """Wait until all of them are heard of and acknowledged; return when, and forget them.

        `observe` is called from time to time with how many tasks the receiver has heard of. Raises BenchError where a
        task is lost.
        """
        for heard in self._watch(len(submitted)):
            observe(heard)
            time.sleep(_POLL_SECONDS)
        self.broker.wait_until_empty(self.place.queue, LONGEST_SILENCE_SECONDS)
        arrivals = self.receiver.arrivals()
        self.receiver.forget()
        if lost := submitted.keys() - arrivals.keys():
            raise BenchError(
                f"{self.system.name} LOST {len(lost)} of {len(submitted)} tasks, such as {min(lost)}: its logs are in"
                f" {self.broker.directory}"
            )
        return arrivals

    def _watch(self, tasks: int) -> Iterator[int]:
        """Give of how many tasks the receiver has heard, again and again, until it has of all.

        It also ends where nothing is heard for longer than a message that was dropped needs to come back.
        """
        heard, since = -1, time.monotonic()
        while heard < tasks and time.monotonic() - since < LONGEST_SILENCE_SECONDS:
            for process in self.workers:
                process.require_alive()
            if (now_heard := self.receiver.count()) != heard:
                heard, since = now_heard, time.monotonic()
            yield heard

    def snapshot(self) -> Snapshot:
        """Return what was used until now, by role."""
        usage = {role: _sum([process.usage() for process in processes]) for role, processes in self.processes.items()}
        return Snapshot(self.broker.requests(), usage)


class Lab:
    """The broker and the receiver that all systems share."""

    def __init__(self, directory: Path, broker: Broker, receiver: Receiver) -> None:
        self.directory = directory
        self.broker = broker
        self.receiver = receiver
        self._places = 0

    @contextmanager
    def running(self, system: System, *, workers: int = 1, receiver: Receiver | None = None) -> Iterator[Running]:
        """Run a system on fresh queues inside the block, warm. Its callbacks go to the shared receiver, or another."""
        receiver = receiver or self.receiver
        self._places += 1
        place = Place(f"run-{self._places}-", receiver.callback_url, free_port())
        self.broker.make_queues(place.prefix)
        with ExitStack() as stack:
            processes: dict[str, Sequence[Process]] = {
                LOCALSTACK: [self.broker.process],
                RECEIVER: [receiver.process],
                WORKER: [
                    stack.enter_context(self._program(system, place, WORKER, system.worker, number))
                    for number in range(workers)
                ],
            }
            for role, arguments in system.others.items():
                processes[role] = [stack.enter_context(self._program(system, place, role, arguments))]
            if system.api:
                processes[API] = [stack.enter_context(self._program(system, place, API, system.api))]
                wait_until_ready(API, http_probe(f"http://127.0.0.1:{place.api_port}/healthcheck"), READY_SECONDS)
            processes[PRODUCER] = [stack.enter_context(self._producer(system, place))]
            run = Running(system, place, processes, receiver, self.broker)
            receiver.forget()
            run.hear(run.submit(WARM_UP_TASKS * workers))
            yield run
        self.broker.delete_queues(place.prefix)

    @contextmanager
    def _program(
        self, system: System, place: Place, role: str, arguments: Sequence[str], number: int = 0
    ) -> Iterator[Process]:
        log = self.directory / f"{place.prefix}{role}-{number}.log"
        command = [system.python, *arguments]
        with running(f"{system.name}: {role}", command, self._environment(system, place), log) as process:
            yield process

    @contextmanager
    def _producer(self, system: System, place: Place) -> Iterator[Process]:
        # A client of HTTP is the same for all.
        python, tree = (PROJECT_PYTHON, ROOT) if system.api else (system.python, system.tree)
        command = [python, *system.producer]
        log = self.directory / f"{place.prefix}{PRODUCER}.log"
        environment = self._environment(system, place) | of_tree(tree)
        with running(f"{system.name}: {PRODUCER}", command, environment, log, pipes=True) as process:
            yield process

    def _environment(self, system: System, place: Place) -> dict[str, str]:
        return {**self.broker.environment(), **place.environment(), **of_tree(system.tree), **system.settings}


@contextmanager
def open_lab(directory: Path) -> Iterator[Lab]:
    """Start the broker and the receiver; what runs in the block logs into the directory."""
    with running_broker(directory) as broker, running_receiver(directory) as receiver:
        yield Lab(directory, broker, receiver)


@contextmanager
def running_receiver(directory: Path, delay_seconds: float = 0) -> Iterator[Receiver]:
    """Run a receiver that answers after the delay."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [PROJECT_PYTHON, "-m", "bench.programs.receiver", str(port), str(delay_seconds)]
    with (
        running(RECEIVER, command, {}, directory / f"receiver-{port}.log") as process,
        httpx.Client(base_url=url, trust_env=False, timeout=30) as client,
    ):
        wait_until_ready(RECEIVER, http_probe(f"{url}/count"), READY_SECONDS)
        yield Receiver(url, process, client)


def _sum(usages: Sequence[Usage]) -> Usage:
    return Usage(sum(usage.cpu_seconds for usage in usages), sum(usage.peak_bytes for usage in usages))
