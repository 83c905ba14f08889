"""The API under load, beside the same endpoint without SQS, and with one SendMessage a request."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.broker import connect
from bench.environments import Environment
from bench.errors import BenchError
from bench.http_load import Load, LoadResult, result_of
from bench.lab import API as API_PROCESS
from bench.lab import LOCALSTACK, Lab, Snapshot
from bench.loads import Figures, cost
from bench.processes import Process, of_tree, running
from bench.programs.http_producer import make_request
from bench.steps import FEW, ONCE, Step
from bench.systems import PROJECT, PROJECT_PYTHON, SETTINGS, Place, System, project_over_http
from services.tasks.calculation import TASK_TYPE
from stack.config import ROOT
from stack.ports import free_port
from stack.readiness import READY_SECONDS, http_probe, wait_until_ready

API = "api"
CONNECTIONS = (1, 16, 64, 256)

# No worker takes these tasks: nobody listens there.
_CALLBACK_URL = "http://127.0.0.1:9/callback"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A program that accepts tasks over HTTP."""

    name: str
    arguments: Sequence[str]
    """Those after the interpreter."""
    has_queue: bool = True
    environment: Environment | None = None
    """None: that of this program."""
    tree: Path = ROOT
    """Where its code is."""

    @classmethod
    def of(cls, build: System) -> "Endpoint":
        """Return the API of a build of this project."""
        return cls(build.name, project_over_http(build).api, environment=build.environment, tree=build.tree)

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.environment.python if self.environment else PROJECT_PYTHON


PROJECT_API = Endpoint.of(PROJECT)
NO_SQS = Endpoint("no SQS at all", ["-m", "bench.api_variants", "no_sqs"], has_queue=False)
SINGLE_SENDS = Endpoint("one SendMessage a request", ["-m", "bench.api_variants", "single_sends"])


TARGETED_CONNECTIONS = 64


def api_case(connections: int) -> str:
    """Return the name of the case of so many connections."""
    return f"{connections} connection{'s' if connections > 1 else ''}"


def api_steps(builds: Sequence[System] = (), *, quick: bool) -> list[Step]:
    """Return the steps of one repetition: each endpoint at each number of connections, in a process of its own.

    Other builds of this project are measured at the number that targets are for.
    """
    seconds = 1.0 if quick else 2.5
    endpoints = (PROJECT_API, NO_SQS, SINGLE_SENDS)
    targeted = (PROJECT_API, *map(Endpoint.of, builds), NO_SQS, SINGLE_SENDS)
    return [
        _step(endpoint, connections, seconds)
        for connections in ((TARGETED_CONNECTIONS,) if quick else CONNECTIONS)
        for endpoint in (targeted if connections == TARGETED_CONNECTIONS else endpoints)
    ]


def _step(endpoint: Endpoint, connections: int, seconds: float) -> Step:
    def measure(lab: Lab) -> Figures:
        return measure_endpoint(lab, endpoint, connections, seconds)

    repetitions = FEW if connections == TARGETED_CONNECTIONS else ONCE
    return Step(API, endpoint.name, api_case(connections), measure, endpoint.environment, repetitions)


def measure_endpoint(lab: Lab, endpoint: Endpoint, connections: int, seconds: float) -> Figures:
    """POST tasks over so many connections for so long, and count what is in the queue then.

    Raises BenchError where a request is not answered 200.
    """
    place = Place(f"api-{free_port()}-", _CALLBACK_URL, free_port())
    body = make_request(_CALLBACK_URL).decode()
    load = Load(place.api_port, TASK_TYPE.route, body, connections, seconds)
    lab.broker.make_queues(place.prefix)
    with _serving(lab, endpoint, place) as process:
        before = _snapshot(lab, process)
        result = _put_under(load, lab, place)
        after = _snapshot(lab, process)
    queued = _messages_in(lab, place.queue)
    lab.broker.delete_queues(place.prefix)
    if result.statuses.keys() != {"200"}:
        raise BenchError(f"{endpoint.name} answered {result.statuses}: all must be 200")
    accepted = result.statuses["200"]
    return {
        **_figures_of(result),
        **_costs(before, after, accepted),
        "lost": max(0, accepted - queued) if endpoint.has_queue else 0,
        "duplicated": max(0, queued - accepted),
    }


def _snapshot(lab: Lab, process: Process) -> Snapshot:
    return Snapshot(lab.broker.requests(), {API_PROCESS: process.usage(), LOCALSTACK: lab.broker.process.usage()})


@contextmanager
def _serving(lab: Lab, endpoint: Endpoint, place: Place) -> Iterator[Process]:
    environment = {**lab.broker.environment(), **place.environment(), **of_tree(endpoint.tree), **SETTINGS}
    log = lab.directory / f"{place.prefix}endpoint.log"
    with running(endpoint.name, [endpoint.python, *endpoint.arguments], environment, log) as process:
        url = f"http://127.0.0.1:{place.api_port}/openapi.json"
        wait_until_ready(endpoint.name, http_probe(url), READY_SECONDS)
        yield process


def _put_under(load: Load, lab: Lab, place: Place) -> LoadResult:
    log = lab.directory / f"{place.prefix}load.log"
    with running("the HTTP load", [PROJECT_PYTHON, "-m", "bench.http_load"], {}, log, pipes=True) as process:
        return result_of(json.loads(process.ask(json.dumps(asdict(load)))))


def _messages_in(lab: Lab, queue: str) -> int:
    sqs = connect(lab.broker.url)
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    attribute = "ApproximateNumberOfMessages"
    return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[attribute])["Attributes"][attribute])


def _figures_of(result: LoadResult) -> Figures:
    return {
        "requests_per_second": result.requests / result.seconds,
        "p50_ms": result.p50_ms,
        "p95_ms": result.p95_ms,
        "p99_ms": result.p99_ms,
    }


def _costs(before: Snapshot, after: Snapshot, accepted: int) -> Figures:
    figures = cost(before, after, accepted)
    sends = ("requests_per_task.SendMessage", "requests_per_task.SendMessageBatch")
    return {
        "sends_per_task": sum(figures.get(name, 0) for name in sends),
        "api_cpu_us": 1000 * figures[f"cpu_s_per_1000.{API_PROCESS}"],
        "broker_cpu_us": 1000 * figures[f"cpu_s_per_1000.{LOCALSTACK}"],
        "peak_mb": figures[f"peak_mb.{API_PROCESS}"],
    }
