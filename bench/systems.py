"""The systems that are compared: how the worker and the producer of each are started."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.environments import Environment
from stack.config import ROOT
from stack.ports import free_port

QUEUE = "calculation"
PROJECT_PYTHON = Path(sys.executable)

SETTINGS = {
    "CALLBACK_SIGNING_SECRET": "whsec_YmVuY2htYXJrIG9ubHksIG5vdCBhIHNlY3JldCBhdCBhbGw=",
    "ALLOWED_PRIVATE_TARGETS": "127.0.0.1,localhost",
    "LOG_FORMAT": "json",
}
"""This project's settings while it is measured: the defaults, but that callbacks are signed and may go to loopback."""


@dataclass(frozen=True)
class Place:
    """Where a system works: nothing that was there before."""

    prefix: str
    """Goes before the names of queues."""
    callback_url: str
    api_port: int

    @property
    def queue(self) -> str:
        """The name of the queue of tasks."""
        return f"{self.prefix}{QUEUE}"

    def environment(self) -> dict[str, str]:
        """Return what a process needs to find it; a worker of this project serves its health on a port of its own."""
        return {
            "BENCH_QUEUE": self.queue,
            "BENCH_CALLBACK_URL": self.callback_url,
            "QUEUE_NAME_PREFIX": self.prefix,
            "API_PORT": str(self.api_port),
            "HEALTH_PORT": str(free_port()),
        }


@dataclass(frozen=True)
class System:
    """One of those that are compared."""

    name: str
    worker: Sequence[str]
    """The arguments after the interpreter."""
    producer: Sequence[str]
    environment: Environment | None = None
    """None: that of this program."""
    settings: Mapping[str, str] = field(default_factory=dict)
    api: Sequence[str] = ()
    """What takes the tasks over HTTP, where its producer is an HTTP client."""
    others: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What else belongs to it, by name."""
    tree: Path = ROOT
    """Where its code is."""

    @property
    def python(self) -> Path:
        """The interpreter of its programs."""
        return self.environment.python if self.environment else PROJECT_PYTHON

    def with_settings(self, settings: Mapping[str, str]) -> "System":
        """Return the same system with further settings, or others."""
        return replace(self, settings={**self.settings, **settings})

    def built(self, name: str, environment: Environment, tree: Path = ROOT) -> "System":
        """Return the same system in another environment, or of other code."""
        return replace(self, name=name, environment=environment, tree=tree)

    def over_http(self, api: Sequence[str], others: Mapping[str, Sequence[str]]) -> "System":
        """Return the same system with what stands before it, and tasks that are POSTed."""
        return replace(self, producer=_module("http_producer"), api=api, others=others)


def _module(name: str, *arguments: str) -> Sequence[str]:
    return ["-m", f"bench.programs.{name}", *arguments]


def _celery(name: str, pool: str, concurrency: int, prefetch_multiplier: int) -> System:
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"]
    pool_options = ["--pool", pool, "--concurrency", str(concurrency)]
    return System(
        name=name,
        worker=["-m", "celery", "--app", "bench.programs.celery_app", "worker", *pool_options, *quiet],
        producer=_module("celery_app"),
        environment=CELERY,
        settings={"BENCH_PREFETCH_MULTIPLIER": str(prefetch_multiplier)},
    )


def _taskiq(name: str, settings: Mapping[str, str]) -> System:
    options = ["--workers", "1", "--max-async-tasks", "100", "--log-level", "WARNING"]
    return System(
        name=name,
        worker=["-m", "taskiq", "worker", "bench.programs.taskiq_app:broker", *options],
        producer=_module("taskiq_app"),
        environment=TASKIQ,
        settings=settings,
    )


CELERY = Environment.of_peer("celery", ("celery", "kombu"))
TASKIQ = Environment.of_peer("taskiq", ("taskiq", "taskiq-aio-sqs"))
DRAMATIQ = Environment.of_peer("dramatiq", ("dramatiq", "dramatiq-sqs"))

PROJECT_LOCK = Path("requirements") / "runtime.txt"
"""What builds of this project run on: what its images have, as libraries load more where they find more."""

PROJECT = System(
    "this project",
    ["-m", "services.worker", QUEUE],
    _module("envelope_producer"),
    environment=Environment("this project", ROOT / ".bench" / "project", ROOT / PROJECT_LOCK, code=ROOT / "services"),
    settings=SETTINGS,
)
BOUND = System("bound", _module("bound"), _module("envelope_producer"))
NAIVE = System("hand-written loop", _module("naive", "worker"), _module("naive", "producer"))
CELERY_THREADS = _celery("Celery, 32 threads", "threads", 32, prefetch_multiplier=4)
CELERY_GEVENT = _celery("Celery, gevent 32", "gevent", 32, prefetch_multiplier=4)
# Its prefetch window is small, and each time that it is full the poll counts as empty.
CELERY_PREFORK = _celery("Celery, prefork 2", "prefork", 2, prefetch_multiplier=16)
TASKIQ_PLAIN = _taskiq("taskiq", {})
TASKIQ_BATCHING = _taskiq("taskiq, batching sends", {"BENCH_BATCHING": "1"})
DRAMATIQ_THREADS = System(
    "dramatiq, 32 threads",
    ["-m", "dramatiq", "--processes", "1", "--threads", "32", "bench.programs.dramatiq_app"],
    _module("dramatiq_app"),
    environment=DRAMATIQ,
)


def project_over_http(build: System) -> System:
    """Return a build of this project with its API, and all else that its stack has."""
    return build.over_http(["-m", "services.api"], {"DLQ watcher": ["-m", "services.dlq_watcher"]})


PROJECT_OVER_HTTP = project_over_http(PROJECT)
CELERY_OVER_HTTP = CELERY_THREADS.over_http(_module("celery_api"), {})
