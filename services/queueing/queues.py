"""All queues of the stack, by name."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from services.queueing.definition import QueueDefinition
from services.queueing.queue import SETTLE_LINGER_SECONDS, Queue

if TYPE_CHECKING:
    from types_aiobotocore_sqs.client import SQSClient


class Queues:
    """All queues of the stack, by the names of their definitions."""

    def __init__(
        self,
        client: "SQSClient",
        definitions: Mapping[str, QueueDefinition],
        *,
        name_prefix: str,
        settles_at_once: bool = False,
        delete_linger_seconds: float = SETTLE_LINGER_SECONDS,
    ) -> None:
        """`settles_at_once`, `delete_linger_seconds`: those of each queue (see queue.py)."""
        self.name_prefix = name_prefix
        self._queues = {
            name: Queue(
                client,
                definition,
                name_prefix=name_prefix,
                settles_at_once=settles_at_once,
                delete_linger_seconds=delete_linger_seconds,
            )
            for name, definition in definitions.items()
        }

    def __getitem__(self, name: str) -> Queue:
        return self._queues[name]

    def __iter__(self) -> Iterator[Queue]:
        return iter(self._queues.values())

    def dead_letter_queue_of(self, queue: Queue) -> Queue:
        """Return where the queue's consumer sends what it gives up on. Raises KeyError where there is none."""
        return self._queues[queue.definition.dead_letter_queue or ""]

    async def close(self) -> None:
        """Wait for the batches under way on every queue."""
        for queue in self._queues.values():
            await queue.close()
