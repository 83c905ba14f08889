"""What the console knows: sampled again and again, sent to whoever looks."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import structlog

from services.console.broadcast import Broadcast
from services.console.instances import Instances
from services.console.queue_rows import QueueRow, queue_readings
from services.console.rates import Increase
from services.console.series import Series, point_of
from services.console.settings import ConsoleSettings
from services.console.unclaimed_queues import UnclaimedQueues
from services.primitives import exact_json
from services.queueing.definition import QueueDefinition
from services.queueing.recreated_queues import count_what_is_gone, describe
from services.queueing.samples import QueueSample, QueueSampler
from services.queues import CALLBACKS
from services.telemetry.redaction import redact

log = structlog.get_logger(__name__)

SHOW_MADE_ANEW_SECONDS = 3600.0
"""So long the state says that queues were made anew: whoever looks after them looks here that often."""


class State:
    """The queues, the services and the course of the last minutes."""

    def __init__(
        self,
        settings: ConsoleSettings,
        definitions: Mapping[str, QueueDefinition],
        sampler: QueueSampler,
        unclaimed: UnclaimedQueues,
        instances: Instances,
    ) -> None:
        self._settings = settings
        self._sampler = sampler
        self._unclaimed = unclaimed
        self._instances = instances
        self._unclaimed_rows: dict[str, QueueRow] = {}
        self._rows = {name: QueueRow(definition) for name, definition in definitions.items()}
        self._task_queues = {
            name for name, definition in definitions.items() if definition.consumer == "worker" and name != CALLBACKS
        }
        self._series = Series(settings.console_sample_seconds)

    async def run(self, broadcast: Broadcast) -> None:
        """Sample and publish, for ever, at the configured interval, whatever fails."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self.sample()
                broadcast.publish(redact(exact_json.dumps(self.as_json())))
            except Exception:
                log.exception("sample failed")
            await asyncio.sleep(max(0.0, began + self._settings.console_sample_seconds - loop.time()))

    async def sample(self) -> None:
        """Ask all queues and all services, and note what they answer."""
        now = time.time()
        samples, unclaimed, increases = await asyncio.gather(
            self._sampler.sample(), self._unclaimed.sample(), self._instances.sample(now)
        )
        self._unclaimed_rows = {
            name: self._unclaimed_rows.get(name) or QueueRow(definition)
            for name, definition in self._unclaimed.definitions.items()
        }
        self._note({**samples, **unclaimed}, increases, now)

    def _note(self, samples: Mapping[str, QueueSample | Exception], increases: list[Increase], now: float) -> None:
        readings = self._instances.readings()
        for row in self._all_rows():
            row.note(samples[row.definition.name], queue_readings(row.definition.name, readings), now)
        self._series.add(now, point_of(increases, self._task_queues))
        self._sampled_at = now

    def _all_rows(self) -> list[QueueRow]:
        return [*self._rows.values(), *self._unclaimed_rows.values()]

    def as_json(self) -> dict[str, Any]:
        """Return all that is known, as of the last sample."""
        inbox = self._settings.console_inbox_url
        return {
            "at": round(self._sampled_at, 3),
            "sample_seconds": self._settings.console_sample_seconds,
            "links": {
                "api_docs": self._settings.api_docs_url,
                "inbox": str(inbox).rstrip("/") if inbox else None,
            },
            "queues": [row.as_json() for row in self._all_rows()],
            "unclaimed_problem": self._unclaimed.problem,
            "made_anew": self._made_anew_lately(),
            "services": self._instances.as_json(self._sampled_at),
            "series": self._series.as_json(),
        }

    def _made_anew_lately(self) -> dict[str, Any] | None:
        """Return which queues were made anew, and what became of what they held; None where none was."""
        lately = [each for each in self._sampler.recreated if self._sampled_at - each.at < SHOW_MADE_ANEW_SECONDS]
        if not lately:
            return None
        return {
            "at": max(each.at for each in lately),
            "queues": [each.queue for each in lately],
            "messages": count_what_is_gone(lately),
            "text": describe(lately),
        }
