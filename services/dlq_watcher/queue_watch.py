"""Notifies a person that queues were made anew: what they held reached nobody, and nothing else would say so."""

import asyncio
import time
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime

import structlog

from services.dlq_watcher.alert import Alert, make_alert
from services.dlq_watcher.alerts import Notify
from services.queueing.recreated_queues import RecreatedQueue, count_what_is_gone, describe, describe_what_is_gone
from services.queueing.samples import QueueSampler

log = structlog.get_logger(__name__)

SECONDS_BETWEEN_LOOKS = 10.0

SECONDS_BETWEEN_LOOKS_ON_AWS = 300.0
"""AWS bills a look as a request for each queue, and no broker of its comes back empty: a person deletes a queue."""

PATIENCE_SECONDS = 30.0
"""A broker that comes back makes one queue after the other, which is one piece of news."""


class QueueWatch:
    """A component of the program (see program.py) that looks at all queues now and then."""

    def __init__(
        self,
        sampler: QueueSampler,
        notify: Notify,
        *,
        seconds_between_looks: float = SECONDS_BETWEEN_LOOKS,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._sampler = sampler
        self._notify = notify
        self._seconds_between_looks = seconds_between_looks
        self._patience_seconds = patience_seconds
        self._reported: set[RecreatedQueue] = set()
        self._news_since: float | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Look until `stop` is set."""
        while not stop.is_set():
            await self.look()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._seconds_between_looks)

    def unready_reason(self) -> None:
        """Return None: whether the queues answer is for their consumers to say."""

    async def look(self) -> None:
        """Report what is new, all at once: queues that do not answer may be about to be made as well, for a while."""
        answers = await self._sampler.sample()
        news = [each for each in self._sampler.recreated if each not in self._reported]
        if not news:
            return
        now = time.monotonic()
        self._news_since = self._news_since or now
        is_silent = any(isinstance(answer, Exception) for answer in answers.values())
        if is_silent and now - self._news_since < self._patience_seconds:
            return
        await self._report(news)

    async def _report(self, news: Collection[RecreatedQueue]) -> None:
        try:
            await self._notify(_alert_of(news))
        except Exception:
            log.exception("alert could not be sent, trying again")
            return
        self._reported.update(news)
        self._news_since = None


def _alert_of(news: Collection[RecreatedQueue]) -> Alert:
    made_at = max(each.at for each in news)
    seen_at = min(each.held_at for each in news)
    lost = "the tasks and outcomes in them reached nobody: post again what no callback was heard of"
    return make_alert(
        f"made anew at {made_at:.0f}",
        describe(news),
        origin="queues",
        reason=describe_what_is_gone(news),
        facts={
            "Made": _utc(made_at),
            "Last looked at": _utc(seen_at),
            "Next": lost if count_what_is_gone(news) else "nothing, unless a task came in between",
        },
    )


def _utc(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
