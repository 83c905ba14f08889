"""How the handlers tell a person of a failure: through the queue `alerts`, or in the log."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from services.dlq_watcher.alert import Alert, encode_alert, how_to_redrive
from services.queueing.queue import Queue
from services.queueing.retrying import retry_sqs
from services.telemetry import log_events
from services.telemetry.metrics import ALERTS, child

log = structlog.get_logger(__name__)

TellAlert = Callable[[Alert], Awaitable[None]]
"""Returns when the alert is told, or durably on its way; raises where it is neither."""


async def log_alert(alert: Alert) -> None:
    """Tell the alert in the log, where there is no Slack."""
    log.error(log_events.ALERT_LOGGED, **alert.as_log())
    child(ALERTS, "told").inc()


def tell_by(queue: Queue) -> TellAlert:
    """Return what sends alerts to the queue: neither a watcher that is killed nor Slack being down loses them there."""

    async def tell(alert: Alert) -> None:
        await retry_sqs(lambda: queue.send(encode_alert(alert)))

    return tell


def of_stack(name_prefix: str, tell: TellAlert) -> TellAlert:
    """Return what tells alerts with the stack whose queues are named so, and with how to redrive what is kept there."""
    stack = name_prefix or None

    async def tell_of_stack(alert: Alert) -> None:
        facts = {**alert.facts, "Next": how_to_redrive(alert.task_id, stack)} if alert.is_kept else alert.facts
        await tell(replace(alert, stack=stack, facts=facts))

    return tell_of_stack
