"""The queues that no task type claims, as the console samples them."""

import asyncio
import time
from collections.abc import Mapping

from services.dead_letters.dead_letter_queues import DeadLetterQueues
from services.dead_letters.unclaimed import Unclaimed
from services.queueing.definition import QueueDefinition
from services.queueing.samples import QueueSample, QueueSampler

_SECONDS_BETWEEN_LISTS = 60.0
"""They come and go with a release; SQS bills a list as a request."""

_LIST_TIMEOUT_SECONDS = 3


class UnclaimedQueues:
    """Looks for them now and then, and samples those that are there."""

    def __init__(self, dead_letter_queues: DeadLetterQueues) -> None:
        self._dead_letter_queues = dead_letter_queues
        self._listed_at: float | None = None
        self._found = Unclaimed()
        self._sampler = QueueSampler(())

    @property
    def definitions(self) -> Mapping[str, QueueDefinition]:
        """Those that were found."""
        return self._found.definitions

    @property
    def problem(self) -> str | None:
        """Why it is not known which there are."""
        return self._found.problem

    async def sample(self) -> Mapping[str, QueueSample | Exception]:
        """Return a sample of each, or why it did not answer."""
        if self._listed_at is None or time.monotonic() - self._listed_at >= _SECONDS_BETWEEN_LISTS:
            await self._list()
        return await self._sampler.sample()

    async def _list(self) -> None:
        try:
            async with asyncio.timeout(_LIST_TIMEOUT_SECONDS):
                found = await self._dead_letter_queues.unclaimed()
        except TimeoutError:
            # Every queue shows that SQS does not answer.
            return
        self._listed_at = time.monotonic()
        if found.definitions != self._found.definitions:
            queues = self._dead_letter_queues.of(found.definitions).queues
            self._sampler = QueueSampler(queues, shortest_interval_seconds=0)
        self._found = found
