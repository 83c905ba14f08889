"""Where a dead message goes when it is redriven."""

from collections.abc import Mapping

from services.dead_letters.dead_message import DeadLetter
from services.queueing.definition import QueueDefinition
from services.queues import CALLBACKS


def destination_of(letter: DeadLetter, definitions: Mapping[str, QueueDefinition]) -> str | None:
    """Return the queue whose consumer is to have the message again, None where nothing tells it.

    Its last consumer said it on the message; else its DLQ tells it; else, in `undelivered`, what kind of message it is.
    """
    told = (letter.source_queue, definitions[letter.queue].source_queue, _queue_for_kind(letter))
    queues = (living_queue(name, definitions) for name in told)
    return next((queue for queue in queues if queue), None)


def living_queue(name: str | None, definitions: Mapping[str, QueueDefinition]) -> str | None:
    """Return the queue if it has a consumer that can still do something for a message; of a DLQ, its source queue."""
    definition = definitions.get(name or "")
    if definition is None:
        return None
    return definition.source_queue or (definition.name if definition.consumer else None)


def _queue_for_kind(letter: DeadLetter) -> str | None:
    return CALLBACKS if letter.kind == "outcome" else letter.task_type
