"""Where a dead message goes when it is redriven."""

from collections.abc import Mapping

from services.dlq.dead_letter import DeadLetter
from services.queues import CALLBACKS, QueueDefinition


def destination_of(letter: DeadLetter, definitions: Mapping[str, QueueDefinition]) -> str | None:
    """Return the queue whose worker is to have the message again, None where nothing tells it.

    Its last consumer said it on the message; else its DLQ tells it; else, in `undelivered`, what kind of message it is.
    """
    told = (letter.source_queue, definitions[letter.queue].source_queue, _queue_for_kind(letter))
    queues = (worker_queue(name, definitions) for name in told)
    return next((queue for queue in queues if queue), None)


def worker_queue(name: str | None, definitions: Mapping[str, QueueDefinition]) -> str | None:
    """Return the queue if a worker consumes it; of a DLQ, its source queue."""
    definition = definitions.get(name or "")
    if definition is None:
        return None
    if definition.source_queue:
        return definition.source_queue
    return definition.name if definition.consumer == "worker" else None


def _queue_for_kind(letter: DeadLetter) -> str | None:
    return CALLBACKS if letter.kind == "outcome" else letter.task_type
