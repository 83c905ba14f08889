"""The programs that do the services' work, as processes: what each reads, and what it does with queues."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from services.api.settings import ApiSettings
from services.dlq_watcher.settings import WatcherSettings
from services.queueing.definition import QueueDefinition
from services.settings import Settings
from services.task_types.loading import TaskTypes
from services.worker.settings import WorkerSettings
from stack.aws.cloudformation import Resource
from stack.aws.queue_access import QueueUse, use_of_api, use_of_watcher, use_of_worker, worked_queues
from stack.aws.user_settings import (
    DECIDED_FOR_CONTAINERS,
    ensure_it_starts,
    literal_settings,
    secret_settings,
    secrets_read_by,
)
from stack.status import API, DLQ_WATCHER

Kind = Literal["Api", "Worker", "Watcher"]


@dataclass(frozen=True, slots=True)
class Program:
    """One program."""

    name: str
    kind: Kind
    command: Sequence[str]
    settings: tuple[type[Settings], ...]
    """What it reads from its environment."""
    queues: QueueUse
    secrets: tuple[str, ...]
    """Those of its settings that are secret."""
    queue: str | None = None
    """The one that it works, where it is a worker."""
    statements: tuple[Resource, ...] = ()
    """What it may do besides its use of queues."""


def programs(definitions: Sequence[QueueDefinition], task_types: TaskTypes) -> Iterator[Program]:
    """Yield the API, a worker for each queue from which work is done, and the DLQ watcher."""
    secrets = secret_settings(task_types)
    yield Program(
        API,
        "Api",
        ["python", "-m", "services.api"],
        (ApiSettings,),
        use_of_api(definitions),
        secrets_read_by((ApiSettings,), secrets),
    )
    for queue in worked_queues(definitions):
        settings: tuple[type[Settings], ...] = (WorkerSettings, *own_settings(queue, task_types))
        yield Program(
            worker_name(queue),
            "Worker",
            ["python", "-m", "services.worker", queue],
            settings,
            use_of_worker(queue),
            secrets_read_by(settings, secrets),
            queue,
            own_statements(queue, task_types),
        )
    yield Program(
        DLQ_WATCHER,
        "Watcher",
        ["python", "-m", "services.dlq_watcher"],
        (WatcherSettings,),
        use_of_watcher(definitions),
        secrets_read_by((WatcherSettings,), secrets),
    )


def worker_name(queue: str) -> str:
    """Return how the worker of a queue is called."""
    return f"worker-{queue}"


def own_settings(queue: str, task_types: TaskTypes) -> tuple[type[Settings], ...]:
    """Return what the worker of a queue reads besides what each one does: the settings of its task type."""
    return (task_types[queue].settings,) if queue in task_types else ()


def own_statements(queue: str, task_types: TaskTypes) -> tuple[Resource, ...]:
    """Return the statements of IAM that the task type of a queue declares."""
    return tuple(map(dict, task_types[queue].iam_statements)) if queue in task_types else ()


def settings_of_containers(programs: Iterable[Program], environment: Mapping[str, str]) -> dict[str, str]:
    """Return what of a user's settings containers are given that have the same ones, for each of these programs.

    Raises `StackError` where one could not start with them.
    """
    settings: dict[str, str] = {}
    for program in programs:
        own = literal_settings(program.settings, environment, DECIDED_FOR_CONTAINERS, program.secrets)
        ensure_it_starts(f"The program {program.name}", program.settings, own, program.secrets)
        settings |= own
    return settings
