"""The DLQs and `undelivered`, the DLQ watcher's own, and a look at what is in them."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from services.dead_letters.browse import LONG_POLL_SECONDS, all_of, walk
from services.dead_letters.dead_message import DeadMessage, read_dead_message
from services.dead_letters.errors import of_missing_queue
from services.dead_letters.unclaimed import Unclaimed, look_for_unclaimed
from services.queueing.client import open_sqs
from services.queueing.connections import connections_for_any_use
from services.queueing.definition import QueueDefinition
from services.queueing.errors import UnusableBrokerError, is_missing_queue
from services.queueing.message import ReceivedMessage
from services.queueing.queue import QueueState
from services.queueing.queues import Queues
from services.queueing.settings import QueueSettings
from services.queues import UNDELIVERED

if TYPE_CHECKING:
    from types_aiobotocore_sqs.client import SQSClient

Collect = Callable[[DeadMessage, ReceivedMessage], None]
OnLook = Callable[[int], None]
"""Called with how many more messages were looked at."""


@dataclass(frozen=True, slots=True)
class DeadLetterQueues:
    """The queues of one command, open until it ends; `stop` is set when it is interrupted."""

    client: "SQSClient"
    queues: Queues
    definitions: dict[str, QueueDefinition]
    stop: asyncio.Event

    async def unclaimed(self) -> Unclaimed:
        """Look for the stack's queues that no task type claims."""
        return await look_for_unclaimed(self.client, self.definitions, name_prefix=self.queues.name_prefix)

    def of(self, definitions: dict[str, QueueDefinition]) -> "DeadLetterQueues":
        """Return the same with these queues instead."""
        queues = Queues(self.client, definitions, name_prefix=self.queues.name_prefix)
        return replace(self, queues=queues, definitions=definitions)

    async def states(self, names: Sequence[str]) -> dict[str, QueueState]:
        """Ask the queues how much they hold. Raises DlqError where one is missing."""
        states = await all_of(self._state(name) for name in names)
        return dict(zip(names, states, strict=True))

    async def _state(self, name: str) -> QueueState:
        queue = self.queues[name]
        try:
            return await queue.state()
        except ClientError as error:
            if is_missing_queue(error):
                raise of_missing_queue(queue.name, self.client.meta.endpoint_url) from error
            raise

    async def _attempts_allowed(self, name: str) -> int | None:
        """Return after how many receives the source of a DLQ has SQS move a message: as it is, else as declared."""
        source = self.definitions[name].source_queue
        if source is None:
            return None
        with suppress(ClientError, UnusableBrokerError):
            await self.queues[source].check()
        return self.queues[source].max_receives

    async def look(
        self, states: dict[str, QueueState], collect: Collect, has_enough: Callable[[], bool] = lambda: False
    ) -> None:
        """Show every message of these queues to `collect`, until it has enough; all of them stay where they are."""

        async def look_into(name: str) -> None:
            attempts_allowed = await self._attempts_allowed(name)

            async def visit(message: ReceivedMessage) -> bool:
                collect(read_dead_message(message, self.definitions[name], attempts_allowed), message)
                return False

            await walk(self.queues[name], states[name].messages, visit, lambda: self.stop.is_set() or has_enough())

        await all_of(look_into(name) for name in states)

    async def find(
        self,
        states: dict[str, QueueState],
        matches: Callable[[DeadMessage], bool],
        on_look: OnLook,
        most: int | None = None,
    ) -> list[DeadMessage]:
        """Return the messages that match, `most` of them at the most; queue by queue, the oldest first."""
        found: list[DeadMessage] = []

        def collect(dead_message: DeadMessage, _message: ReceivedMessage) -> None:
            on_look(1)
            if matches(dead_message):
                found.append(dead_message)

        await self.look(states, collect, lambda: most is not None and len(found) >= most)
        order = list(states)
        return sorted(found[:most], key=lambda dead_message: (order.index(dead_message.queue), dead_message.sent_at))


def dead_letter_queue_names(definitions: dict[str, QueueDefinition]) -> list[str]:
    """Return the names of all DLQs, and of `undelivered`."""
    return [name for name, definition in definitions.items() if definition.source_queue or name == UNDELIVERED]


@asynccontextmanager
async def open_dead_letter_queues(
    settings: QueueSettings, definitions: dict[str, QueueDefinition]
) -> AsyncIterator[DeadLetterQueues]:
    """Open the queues. From here on Ctrl-C lets what is under way end; a second one does not."""
    async with open_sqs(
        settings,
        longest_wait_seconds=LONG_POLL_SECONDS,
        max_connections=connections_for_any_use(len(definitions)),
    ) as client:
        queues = Queues(client, definitions, name_prefix=settings.queue_name_prefix)
        yield DeadLetterQueues(client, queues, definitions, _stop_on_signal())
        await queues.close()


def _stop_on_signal() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def interrupt(number: signal.Signals) -> None:
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt, number)
    return stop
