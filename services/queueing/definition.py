"""What is true of a queue wherever it is made, read or watched."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class QueueDefinition:
    """What is true of a queue wherever it is made, read or watched."""

    name: str
    consumer: Literal["worker", "dlq_watcher"] | None
    max_attempts: int | None
    """SQS's maxReceiveCount, after which SQS itself moves the message; None: it never does."""
    dead_letter_queue: str | None
    """Where a message goes that its consumer gives up on."""
    source_queue: str | None
    """Whose dead messages it holds: a redrive returns them there."""
    retention_seconds: int
    function_timeout_seconds: int | None = None
    """The timeout of the function that works its messages, where its consumer is one."""
    visibility_timeout_seconds: int = 30
    """How long a message stays hidden where who receives it says nothing else. A process does, a function cannot."""

    @property
    def is_dead_letter_queue(self) -> bool:
        """Whether it holds dead messages, or what nobody consumes: people look into it, and all comes back."""
        return self.source_queue is not None or self.consumer is None
