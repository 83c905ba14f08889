"""The functions that do the services' work on AWS Lambda: what triggers each, what it reads, and where it sends to."""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from services.api.settings import ApiSettings
from services.dlq_watcher.settings import WatcherFunctionSettings
from services.queueing.definition import QueueDefinition
from services.queues import ALERTS, OUTCOME_QUEUES, UNDELIVERED
from services.runtime.settings import LONGEST_FUNCTION_SECONDS
from services.settings import Settings
from services.task_types.loading import TaskTypes
from services.worker.settings import WorkerFunctionSettings
from stack.aws.cloudformation import Resource
from stack.aws.programs import own_settings, own_statements, worker_name
from stack.aws.queue_access import QueueUse, use_of_api, use_of_watcher, use_of_worker
from stack.aws.user_settings import SLACK_BOT_TOKEN, secrets_read_by
from stack.errors import StackError
from stack.status import API, DLQ_WATCHER

BATCH_SIZE = 10
"""The most that an event source hands over at once without a window in which it gathers.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"""

LARGEST_DIGEST = 100
"""Alerts of one batch, which are one message in Slack."""

LONGEST_WINDOW_SECONDS = 300
"""Of an event source.
https://docs.aws.amazon.com/lambda/latest/api/API_EventSourceMapping.html#lambda-Type-EventSourceMapping-MaximumBatchingWindowInSeconds"""

FEWEST_CONCURRENT = 2
"""The least that `MaximumConcurrency` may be.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html"""

API_ROOM_SECONDS = 20
"""What a request may take besides the wait for SQS: a large body is checked, and an INIT that was not done within its
10 seconds begins anew, and then counts. https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"""


@dataclass(frozen=True, slots=True)
class Trigger:
    """A queue whose messages a function is given."""

    queue: QueueDefinition
    batch_size: int = BATCH_SIZE
    window_seconds: int = 0
    """How long messages are gathered before the function is called with what there is."""
    max_concurrency: int | None = None
    """How many batches it works at a time; None: as the template's parameter says."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function."""

    name: str
    """What its name ends with; it begins with that of the stack."""
    handler: str
    timeout_seconds: int
    settings: tuple[type[Settings], ...]
    """What it reads from its environment."""
    secrets: tuple[str, ...]
    """Of these settings those that are secret, and that it has a use for."""
    queues: QueueUse
    triggers: tuple[Trigger, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    """What of it follows from its queues."""
    statements: tuple[Resource, ...] = ()
    """What it may do besides its use of queues."""


def function_of_api(
    definitions: Iterable[QueueDefinition], enqueue_timeout_seconds: float, secrets: Collection[str]
) -> Function:
    """Return the function behind the URL. Raises `StackError` where Lambda would end it before it gives up on SQS."""
    timeout_seconds = math.ceil(enqueue_timeout_seconds) + API_ROOM_SECONDS
    if timeout_seconds > LONGEST_FUNCTION_SECONDS:
        most = LONGEST_FUNCTION_SECONDS - API_ROOM_SECONDS
        raise StackError(f"ENQUEUE_TIMEOUT_SECONDS ({enqueue_timeout_seconds:g}) may be {most} at the most on Lambda.")
    settings = (ApiSettings,)
    handler = "services.api.aws_lambda.handler"
    read = secrets_read_by(settings, secrets)
    return Function(API, handler, timeout_seconds, settings, read, use_of_api(definitions))


def functions_of_workers(
    definitions: Iterable[QueueDefinition], task_types: TaskTypes, secrets: Collection[str]
) -> Iterator[Function]:
    """Yield a function for each queue from which work is done. `secrets`: the settings that are."""
    for queue in definitions:
        if queue.consumer != "worker":
            continue
        settings: tuple[type[Settings], ...] = (WorkerFunctionSettings, *own_settings(queue.name, task_types))
        yield Function(
            worker_name(queue.name),
            "services.worker.aws_lambda.handler",
            _timeout_of(queue),
            settings,
            secrets_read_by(settings, secrets),
            _giving_back(use_of_worker(queue.name)),
            triggers=(Trigger(queue, batch_size_of(queue)),),
            environment={"WORKER_QUEUE": queue.name, **_timeouts_of(queue)},
            statements=own_statements(queue.name, task_types),
        )


def batch_size_of(queue: QueueDefinition) -> int:
    """Return how many messages a function is given at once: what must not be repeated comes alone.

    SQS counts a receive of every message of a batch. Where a process is killed, by one of them or by Lambda, those
    beside it have used up an attempt that nobody made: of a queue with one attempt only, the only one.
    """
    return 1 if queue.max_attempts == 1 else BATCH_SIZE


def functions_of_watcher(
    definitions: Iterable[QueueDefinition], alert_window_seconds: float, secrets: Collection[str]
) -> Iterator[Function]:
    """Yield the function that reports what has failed for good, and the one that brings the alerts to a person.

    Together they are the DLQ watcher, but for its look at all queues: of those that nobody works alarms tell.
    """
    queues = {queue.name: queue for queue in definitions}
    watcher = use_of_watcher(queues.values())
    dlqs = [queue for queue in queues.values() if queue.source_queue is not None]
    # One program for both: it compares all that it could be given, where it would give up on it, and put an outcome.
    compared = watcher.receives_from | {UNDELIVERED, *OUTCOME_QUEUES}
    yield _watcher(
        DLQ_WATCHER,
        [Trigger(queue) for queue in dlqs],
        secrets_read_by((WatcherFunctionSettings,), secrets),
        replace(watcher, receives_from=watcher.receives_from - {ALERTS}, looks_at=compared),
    )
    # Each digest is one message, of which Slack takes about one a second: https://docs.slack.dev/apis/web-api/rate-limits
    alerts = _trigger_of_alerts(queues[ALERTS], alert_window_seconds)
    use = QueueUse(receives_from=frozenset({ALERTS}), sends_to=frozenset({UNDELIVERED}), looks_at=compared)
    yield _watcher(ALERTS, [alerts], (SLACK_BOT_TOKEN,), use)


def _watcher(name: str, triggers: Sequence[Trigger], secrets: tuple[str, ...], use: QueueUse) -> Function:
    # All of these queues have the same timeouts, as the consumer of all is one (services/queues.py).
    queue = triggers[0].queue
    return Function(
        name,
        "services.dlq_watcher.aws_lambda.handler",
        _timeout_of(queue),
        (WatcherFunctionSettings,),
        secrets,
        _giving_back(use),
        tuple(triggers),
        _timeouts_of(queue),
    )


def _giving_back(use: QueueUse) -> QueueUse:
    """Add what a function does and a process does not: what it has not begun it sends anew to where it came from."""
    return replace(use, sends_to=use.sends_to | use.receives_from)


def _trigger_of_alerts(queue: QueueDefinition, window_seconds: float) -> Trigger:
    """Gather alerts as long as a user wants to: what comes in a window is one digest."""
    if window_seconds < 1:
        return Trigger(queue, max_concurrency=FEWEST_CONCURRENT)
    window = min(math.ceil(window_seconds), LONGEST_WINDOW_SECONDS)
    return Trigger(queue, LARGEST_DIGEST, window, FEWEST_CONCURRENT)


def _timeout_of(queue: QueueDefinition) -> int:
    if queue.function_timeout_seconds is None:
        raise ValueError(f"the queue {queue.name} has a consumer, and its definition no timeout of a function")
    return queue.function_timeout_seconds


def _timeouts_of(queue: QueueDefinition) -> dict[str, str]:
    return {
        "FUNCTION_TIMEOUT_SECONDS": str(_timeout_of(queue)),
        "VISIBILITY_TIMEOUT_SECONDS": str(queue.visibility_timeout_seconds),
    }
