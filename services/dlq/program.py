"""What every command has: the settings, the queues by their names, and their opening for as long as it takes."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from services.dead_letters.dead_letter_queues import DeadLetterQueues, dead_letter_queue_names, open_dead_letter_queues
from services.dead_letters.destination import living_queue
from services.dead_letters.errors import BROKER_ERRORS, UsageError, of_broker
from services.queueing.definition import QueueDefinition
from services.queues import define_queues
from services.runtime.boot import boot
from services.runtime.settings import ServiceSettings

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class Program:
    """A command, booted: what it prints is its result, so that logs go to standard error."""

    settings: ServiceSettings
    definitions: dict[str, QueueDefinition]

    @classmethod
    def start(cls) -> "Program":
        """Read the settings, or end the program with a line that names the one at fault."""
        booted = boot(ServiceSettings, has_results=True)
        return cls(booted.settings, define_queues(booted.task_types))

    @property
    def names(self) -> Sequence[str]:
        """The names of the DLQs, and of `undelivered`."""
        return dead_letter_queue_names(self.definitions)

    def plain(self, name: str) -> str:
        """Return the name of a queue without the prefix that it has in SQS, and anything else as it is."""
        plain = name.removeprefix(self.settings.queue_name_prefix)
        return plain if plain in self.definitions else name

    def queue_to_redrive_to(self, name: str) -> str:
        """Return a queue to which a redrive can send by its name. Raises UsageError."""
        living = [each for each in self.definitions if living_queue(each, self.definitions) == each]
        if self.plain(name) not in living:
            raise UsageError(f"There is no queue {name} to redrive to: --to takes one of {', '.join(living)}.")
        return self.plain(name)

    def run(self, work: Callable[[DeadLetterQueues], Awaitable[ResultT]]) -> ResultT:
        """Open the queues for the work. Raises DlqError for what SQS raises."""

        async def run_opened() -> ResultT:
            async with open_dead_letter_queues(self.settings, self.definitions) as dead_letter_queues:
                return await work(dead_letter_queues)

        try:
            return asyncio.run(run_opened())
        except BROKER_ERRORS as error:
            raise of_broker(error) from error
