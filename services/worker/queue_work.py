"""What a worker works the messages of its queue with, whoever receives them."""

from dataclasses import dataclass

from services.queueing.attempt import MessageHandler
from services.queueing.decisions import RetryPolicy
from services.queues import CALLBACKS
from services.runtime.boot import Booted
from services.runtime.resources import Resources
from services.settings import refuse_to_start
from services.task_types.loading import TaskTypes
from services.worker.attempt_limit import AttemptLimit
from services.worker.callback_handler import CallbackHandler
from services.worker.settings import WorkerSettings
from services.worker.task_handler import TaskHandler


@dataclass(frozen=True, slots=True)
class QueueWork:
    """What belongs to a queue's messages."""

    handler: MessageHandler
    policy: RetryPolicy


def require_queue(queue_name: str, task_types: TaskTypes, named_by: str) -> None:
    """End the program with one line where a worker has no such queue; `named_by` says where it was named."""
    if queue_name != CALLBACKS and queue_name not in task_types:
        known = ", ".join([*task_types, CALLBACKS])
        refuse_to_start(f"{named_by}: there is no queue {queue_name!r} for a worker; there are {known}")


def work_of(queue_name: str, booted: Booted[WorkerSettings], resources: Resources) -> QueueWork:
    """Return the handler and the retry policy that belong to the queue, which is a worker's."""
    settings = booted.settings
    max_attempts = resources.queues[queue_name].definition.max_attempts
    if queue_name == CALLBACKS:
        # The first wait of the schedule passed before the first receive.
        schedule = settings.callback_retry_schedule_seconds
        policy = RetryPolicy(len(schedule), tuple(schedule[1:] or schedule))
        return QueueWork(AttemptLimit(CallbackHandler(resources.callback_client), max_attempts), policy)
    task_type, task_settings = booted.task_types[queue_name], booted.task_settings[queue_name]
    handler = TaskHandler(task_type, task_settings, resources.http, resources.delivery, settings)
    policy = RetryPolicy.exponential(task_type.max_attempts, task_type.retry_delay_seconds)
    return QueueWork(AttemptLimit(handler, max_attempts), policy)
