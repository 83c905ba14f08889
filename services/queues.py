"""The queues: the one truth about their names, attempts, retention, and where a dead message goes.

`python -m services.queues` prints it as JSON for those that cannot import it (localstack-init, templates).
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from services.primitives.sqs_limits import LONGEST_RETENTION_SECONDS
from services.queueing.definition import QueueDefinition
from services.settings import load_settings, refuse_to_start
from services.streams.standard_streams import run_command
from services.task_types.errors import TaskTypeError
from services.task_types.loading import TaskTypes, load_task_types
from services.task_types.settings import TaskTypeSettings

CALLBACKS = "callbacks"
ALERTS = "alerts"
UNDELIVERED = "undelivered"
DLQ_SUFFIX = "-dlq"

MOST_CALLBACK_RETRIES = 7
"""The waits that `CALLBACK_RETRY_SCHEDULE_SECONDS` may have, and so the max attempts of the queue `callbacks`."""

_DAY = 86_400
# A dead message that SQS itself moves keeps its first enqueue time, so the queues before a DLQ keep theirs for less.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
_TASK_RETENTION_SECONDS = 4 * _DAY


@dataclass(frozen=True, slots=True)
class FunctionTimeouts:
    """Those of the functions that consume queues, in seconds; by default what the default settings need."""

    tasks: int = 360
    """A task's timeout, a callback's that is tried three times, and the settling."""
    callbacks: int = 30
    """A callback that is tried once."""
    watcher: int = 60
    """A callback that is tried three times."""


_DEFAULT_FUNCTION_TIMEOUTS = FunctionTimeouts()

# Lambda goes on trying to invoke a function that is throttled, and what becomes visible meanwhile uses up an attempt.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
_VISIBILITY_BY_FUNCTION_TIMEOUT = 6


def define_queues(
    task_types: TaskTypes, timeouts: FunctionTimeouts = _DEFAULT_FUNCTION_TIMEOUTS
) -> dict[str, QueueDefinition]:
    """Return all queues by name: a pair for each task type, the pair of `callbacks`, `alerts` and `undelivered`.

    Raises TaskTypeError where a task type has the name of one of these three.
    """
    for name in (CALLBACKS, ALERTS, UNDELIVERED):
        if name in task_types:
            raise TaskTypeError(f"task type {name!r}: the name is taken, the services have a queue {name}")
    queues: list[QueueDefinition] = []
    for task_type in task_types.values():
        queues += define_pair(task_type.name, task_type.max_attempts, timeouts.tasks, timeouts.watcher)
    queues += define_pair(CALLBACKS, MOST_CALLBACK_RETRIES, timeouts.callbacks, timeouts.watcher)
    queues.append(
        QueueDefinition(
            ALERTS,
            "dlq_watcher",
            None,
            UNDELIVERED,
            None,
            LONGEST_RETENTION_SECONDS,
            **_timeouts(timeouts.watcher),
        )
    )
    queues.append(QueueDefinition(UNDELIVERED, None, None, None, None, LONGEST_RETENTION_SECONDS))
    return {queue.name: queue for queue in queues}


def define_pair(
    name: str,
    max_attempts: int,
    worker_timeout_seconds: int = _DEFAULT_FUNCTION_TIMEOUTS.tasks,
    watcher_timeout_seconds: int = _DEFAULT_FUNCTION_TIMEOUTS.watcher,
) -> Iterator[QueueDefinition]:
    """Yield a queue from which work is done, and its DLQ; the timeouts are those of functions that consume them."""
    dlq = dlq_of(name)
    timeouts = _timeouts(worker_timeout_seconds)
    yield QueueDefinition(name, "worker", max_attempts, dlq, None, _TASK_RETENTION_SECONDS, **timeouts)
    watched = _timeouts(watcher_timeout_seconds)
    yield QueueDefinition(dlq, "dlq_watcher", None, UNDELIVERED, name, LONGEST_RETENTION_SECONDS, **watched)


def _timeouts(function_timeout_seconds: int) -> dict[str, int]:
    return {
        "function_timeout_seconds": function_timeout_seconds,
        "visibility_timeout_seconds": _VISIBILITY_BY_FUNCTION_TIMEOUT * function_timeout_seconds,
    }


def dlq_of(name: str) -> str:
    """Return the name of a queue's DLQ."""
    return f"{name}{DLQ_SUFFIX}"


OUTCOME_QUEUES = (CALLBACKS, dlq_of(CALLBACKS))
"""Where an outcome goes that cannot be delivered in place: to wait, or to be kept."""


def queues_of_worker(name: str) -> list[str]:
    """Return the names of those that the worker of a queue receives from, and sends to."""
    return list(dict.fromkeys((name, dlq_of(name), *OUTCOME_QUEUES)))


def queues_json(task_types: TaskTypes) -> str:
    """Return all queues as JSON text. Raises as `define_queues` does."""
    return json.dumps({"queues": [asdict(queue) for queue in define_queues(task_types).values()]}, indent=2) + "\n"


def main() -> None:
    """Print the queues of the configured task types."""
    settings = load_settings(TaskTypeSettings)
    try:
        sys.stdout.write(queues_json(load_task_types(settings.task_packages)))
    except ValueError as error:
        refuse_to_start(str(error))


if __name__ == "__main__":
    run_command(main)
