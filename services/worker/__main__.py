"""`python -m services.worker QUEUE`: work the tasks of one queue, or deliver what waits on `callbacks`."""

import argparse
from collections.abc import Sequence

from services.messages import peek_task_id
from services.queueing import connections
from services.queueing.caution import Caution
from services.queueing.consumer import Consumer
from services.queues import CALLBACKS, queues_of_worker
from services.runtime.boot import Booted, boot
from services.runtime.program import run_program
from services.runtime.resources import Resources
from services.worker.queue_work import require_queue, work_of
from services.worker.settings import WorkerSettings


def main() -> None:
    """Read the command line and run until asked to stop."""
    parser = argparse.ArgumentParser(prog="python -m services.worker", description=__doc__)
    parser.add_argument("queue", help="a task type's queue, such as calculation or data, or callbacks")
    queue_name = parser.parse_args().queue
    booted = boot(WorkerSettings, works=lambda _: [queue_name], traced_as=f"worker-{queue_name}")
    task_types = booted.task_types
    require_queue(queue_name, task_types, "QUEUE")
    queues = queues_of_worker(queue_name)
    run_program(
        f"worker-{queue_name}",
        booted.settings,
        task_types,
        lambda resources: make_consumers(queue_name, booted, resources),
        queues,
        most_connections=most_connections(queue_name, booted),
        sqs_connections=connections.most_connections(consumed=1, sent_to=len(queues) - 1, looked_at=len(queues)),
    )


def most_connections(queue_name: str, booted: Booted[WorkerSettings]) -> int:
    """Return how many requests are under way at a time: a callback for each message in flight, or one for each item."""
    task_type = booted.task_types.get(queue_name)
    items = task_type.items_at_a_time(booted.task_settings[queue_name]) if task_type else 0
    return booted.settings.worker_concurrency * (items + 1)


def make_consumers(queue_name: str, booted: Booted[WorkerSettings], resources: Resources) -> Sequence[Consumer]:
    """Return the consumer of the queue."""
    settings = booted.settings
    queue = resources.queues[queue_name]
    work = work_of(queue_name, booted, resources)
    dead_letter_queue = resources.queues.dead_letter_queue_of(queue)
    caution = None if queue_name == CALLBACKS else _caution(settings)
    return [
        Consumer(
            queue, dead_letter_queue, work.handler, work.policy, settings, caution=caution, task_id_of=peek_task_id
        )
    ]


def _caution(settings: WorkerSettings) -> Caution:
    # So long is hidden what a lost worker had in flight; what its last long poll was given, longer by that poll.
    return_seconds = settings.visibility_timeout_seconds + settings.sqs_wait_time_seconds
    return Caution(trust_after=settings.worker_concurrency, return_seconds=return_seconds)


if __name__ == "__main__":
    main()
