"""Posts alerts to Slack: a few alone, many as one, at the pace that Slack takes."""

import asyncio
import time
from collections.abc import Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field

import structlog

from services.dlq_watcher.alert import Alert
from services.dlq_watcher.alert_grouping import FIRST_FEW, AlertGrouping
from services.dlq_watcher.settings import WatcherSettings
from services.dlq_watcher.slack import SlackChannel
from services.dlq_watcher.slack_answer import SlackRefusal
from services.errors import RetryLaterError
from services.primitives.bounded import BoundedMap
from services.primitives.durations import describe_duration
from services.telemetry import log_events
from services.telemetry.metrics import ALERTS_POSTED, child

log = structlog.get_logger(__name__)

# An alert has been tried three times by then: a moment's refusal says nothing of Slack, nor of a stack that starts.
_SECONDS_UNTIL_UNREADY = 20.0

_STOPPED = SlackRefusal("the program stopped before Slack answered")


@dataclass(eq=False, slots=True)
class _Waiting:
    alert: Alert
    context: Context = field(default_factory=copy_context)
    """That in which it came first: a line logged there, and the request to Slack, belong to its task."""
    answer: asyncio.Future[SlackRefusal | None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class AlertPoster:
    """A component of the program (see program.py) that posts what `post` is given."""

    def __init__(
        self,
        channel: SlackChannel,
        settings: WatcherSettings,
        *,
        first_few: int = FIRST_FEW,
        seconds_until_unready: float = _SECONDS_UNTIL_UNREADY,
    ) -> None:
        """`first_few`: how many alerts of a window it posts one by one.

        It is not ready when Slack has taken nothing for `seconds_until_unready`.
        """
        self._channel = channel
        self._seconds_until_unready = seconds_until_unready
        self._drain_timeout_seconds = settings.drain_timeout_seconds
        self._grouping: AlertGrouping[_Waiting] = AlertGrouping(settings.alert_window_seconds, first_few=first_few)
        self._waiting: dict[str, _Waiting] = {}
        self._changed = asyncio.Event()
        self._posted: BoundedMap[str, None] = BoundedMap()
        self._logged: BoundedMap[str, None] = BoundedMap()
        self._refused_since: float | None = None
        self._refusal = ""
        self._taken = child(ALERTS_POSTED, "told")
        self._refused = child(ALERTS_POSTED, "refused")

    async def post(self, alert: Alert) -> None:
        """Return when Slack has the alert, alone, in a digest, or from an earlier time that the same one came.

        Raises RetryLaterError where Slack does not take it, or the program stops.
        """
        if alert.alert_id in self._posted:
            return
        refusal = await asyncio.shield(self._add(alert).answer)
        if refusal is not None:
            raise RetryLaterError(f"Slack did not take the alert: {refusal.reason}", refusal.retry_after_seconds)

    async def run(self, stop: asyncio.Event) -> None:
        """Post until `stop` is set, then what is gathered, for as long as a drain may take."""
        async with asyncio.TaskGroup() as group:
            posting = group.create_task(self._post_all())
            await stop.wait()
            self._grouping.close()
            self._changed.set()
            await asyncio.wait({posting}, timeout=self._drain_timeout_seconds)
            posting.cancel()

    def unready_reason(self) -> str | None:
        """Return for how long Slack has taken nothing, and why; None where it does."""
        if self._refused_since is None:
            return None
        refused_seconds = time.monotonic() - self._refused_since
        if refused_seconds < self._seconds_until_unready:
            return None
        return f"Slack has taken no alert for {describe_duration(refused_seconds)}: {self._refusal}"

    def _add(self, alert: Alert) -> _Waiting:
        """Return what waits for Slack's answer on this alert: one for all that come with the same id."""
        waiting = self._waiting.get(alert.alert_id)
        if waiting is not None:
            return waiting
        if self._grouping.is_closed:
            raise RetryLaterError("the program stops")
        waiting = self._waiting[alert.alert_id] = _Waiting(alert)
        self._grouping.add(waiting, time.monotonic())
        self._changed.set()
        return waiting

    async def _post_all(self) -> None:
        while True:
            wait_seconds = self._grouping.wait_seconds(time.monotonic())
            if wait_seconds is None and self._grouping.is_closed:
                return
            if wait_seconds == 0:
                await self._post_next()
            else:
                await self._change_or(wait_seconds)

    async def _change_or(self, wait_seconds: float | None) -> None:
        self._changed.clear()
        try:
            await asyncio.wait_for(self._changed.wait(), wait_seconds)
        except TimeoutError:
            return

    async def _post_next(self) -> None:
        group = self._grouping.take(time.monotonic())
        refusal: SlackRefusal | None = _STOPPED
        try:
            refusal = await self._channel.post(
                [waiting.alert for waiting in group], [waiting.context for waiting in group]
            )
            self._note(group, refusal)
        finally:
            self._grouping.pause(time.monotonic(), refusal.retry_after_seconds if refusal else None)
            for waiting in group:
                del self._waiting[waiting.alert.alert_id]
                waiting.answer.set_result(refusal)

    def _note(self, group: Sequence[_Waiting], refusal: SlackRefusal | None) -> None:
        if refusal is None:
            self._taken.inc(len(group))
            self._refused_since = None
            self._note_posted(group)
            return
        self._refused.inc(len(group))
        self._refusal = refusal.reason
        self._refused_since = self._refused_since or time.monotonic()
        self._log_once(group, refusal)

    def _note_posted(self, group: Sequence[_Waiting]) -> None:
        for waiting in group:
            self._posted[waiting.alert.alert_id] = None
            # A digest refers to these lines.
            fields = {**waiting.alert.as_log(), "alerts_in_message": len(group)}
            waiting.context.run(log.warning, log_events.ALERT_POSTED, **fields)

    def _log_once(self, group: Sequence[_Waiting], refusal: SlackRefusal) -> None:
        for waiting in group:
            if waiting.alert.alert_id in self._logged:
                continue
            self._logged[waiting.alert.alert_id] = None
            fields = {**waiting.alert.as_log(), "refusal": refusal.reason}
            waiting.context.run(log.error, log_events.ALERT_REFUSED, **fields)
