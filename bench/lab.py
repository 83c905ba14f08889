"""Where everything is measured: a broker, a receiver, and systems that are started beside them."""

import json
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.broker import Broker, running_broker
from bench.errors import BenchError
from bench.processes import Process, Usage, running
from bench.systems import PROJECT_PYTHON, Place, System
from stack.ports import free_port
from stack.readiness import http_probe, wait_until_ready

WARM_UP_TASKS = 40
# Longer than the visibility timeout: a message that was dropped has come back by then, and is no loss.
LONGEST_SILENCE_SECONDS = 75.0
_POLL_SECONDS = 0.05
_READY_SECONDS = 30.0

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

    def wait_for(self, count: int) -> None:
        """Return when it has heard of so many tasks, or of nothing more for longer than a lost message would take."""
        heard, since = -1, time.monotonic()
        while heard < count and time.monotonic() - since < LONGEST_SILENCE_SECONDS:
            time.sleep(_POLL_SECONDS)
            if (now_heard := self.count()) != heard:
                heard, since = now_heard, time.monotonic()


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
    workers: Sequence[Process]
    producer: Process
    receiver: Receiver
    broker: Broker

    def submit(self, count: int, per_second: float | None = None) -> dict[str, float]:
        """Submit so many tasks, as fast as it goes or at a rate; return when the turn of each came, by its id."""
        ids = [str(uuid.uuid4()) for _ in range(count)]
        submitted: dict[str, float] = json.loads(self.producer.ask(json.dumps({"ids": ids, "per_second": per_second})))
        return submitted

    def hear(self, submitted: Mapping[str, float]) -> Arrivals:
        """Wait until all of them are heard of and acknowledged; return when, and forget them.

        Raises BenchError where one is lost.
        """
        self.receiver.wait_for(len(submitted))
        for worker in self.workers:
            worker.require_alive()
        self.broker.wait_until_empty(self.place.queue, LONGEST_SILENCE_SECONDS)
        arrivals = self.receiver.arrivals()
        self.receiver.forget()
        if lost := submitted.keys() - arrivals.keys():
            raise BenchError(f"{self.system.name} lost {len(lost)} of {len(submitted)} tasks, such as {min(lost)}")
        return arrivals

    def snapshot(self) -> Snapshot:
        """Return what was used until now."""
        processes = {"LocalStack": self.broker.process, "receiver": self.receiver.process, "producer": self.producer}
        usage = {name: process.usage() for name, process in processes.items()}
        usage["worker"] = _sum([worker.usage() for worker in self.workers])
        return Snapshot(self.broker.requests(), usage)


class Lab:
    """The broker and the receiver that all systems share."""

    def __init__(self, directory: Path, broker: Broker, receiver: Receiver) -> None:
        self.directory = directory
        self.broker = broker
        self.receiver = receiver
        self._places = 0

    @contextmanager
    def running(self, system: System, workers: int = 1) -> Iterator[Running]:
        """Run a system on a fresh queue inside the block, warmed up."""
        place = self.new_place()
        self.broker.make_queue(place.queue)
        with ExitStack() as stack:
            producer = stack.enter_context(self._running(system, place, "producer", pipes=True))
            started = [
                stack.enter_context(self._running(system, place, f"worker-{number}")) for number in range(workers)
            ]
            run = Running(system, place, started, producer, self.receiver, self.broker)
            self.receiver.forget()
            run.hear(run.submit(WARM_UP_TASKS * workers))
            yield run
        self.broker.delete_queue(place.queue)

    def new_place(self) -> Place:
        """Return a place where nothing has been."""
        self._places += 1
        return Place(f"run-{self._places}-", self.receiver.callback_url)

    @contextmanager
    def _running(self, system: System, place: Place, role: str, *, pipes: bool = False) -> Iterator[Process]:
        arguments = system.producer if pipes else system.worker
        environment = {**self.broker.environment(), **place.environment(), **system.settings}
        log = self.directory / f"{place.prefix}{role}.log"
        with running(f"{system.name}: {role}", [system.python, *arguments], environment, log, pipes=pipes) as process:
            yield process


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
        running("receiver", command, {}, directory / f"receiver-{port}.log") as process,
        httpx.Client(base_url=url, trust_env=False, timeout=30) as client,
    ):
        wait_until_ready("receiver", http_probe(f"{url}/count"), _READY_SECONDS)
        yield Receiver(url, process, client)


def _sum(usages: Sequence[Usage]) -> Usage:
    return Usage(sum(usage.cpu_seconds for usage in usages), sum(usage.peak_bytes for usage in usages))
