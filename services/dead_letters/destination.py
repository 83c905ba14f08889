"""Where a dead message goes when it is redriven."""

from collections.abc import Mapping

from services.dead_letters.dead_message import DeadMessage
from services.queueing.definition import QueueDefinition
from services.queues import CALLBACKS


def destination_of(dead_message: DeadMessage, definitions: Mapping[str, QueueDefinition]) -> str | None:
    """Return the queue whose consumer is to have the message again, None where nothing says it.

    Its last consumer said it on the message; else its DLQ says it; else, in `undelivered`, what kind of message it is.
    """
    said = (dead_message.source_queue, definitions[dead_message.queue].source_queue, _queue_for_kind(dead_message))
    queues = (living_queue(name, definitions) for name in said)
    return next((queue for queue in queues if queue), None)


def living_queue(name: str | None, definitions: Mapping[str, QueueDefinition]) -> str | None:
    """Return the queue if it has a consumer that can still do something for a message; of a DLQ, its source queue."""
    definition = definitions.get(name or "")
    if definition is None:
        return None
    return definition.source_queue or (definition.name if definition.consumer else None)


def _queue_for_kind(dead_message: DeadMessage) -> str | None:
    return CALLBACKS if dead_message.kind == "outcome" else dead_message.task_type
