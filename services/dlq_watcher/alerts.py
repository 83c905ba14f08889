"""How the handlers notify a person of a failure: through the queue `alerts`, or in the log."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from services.dlq_watcher.alert import Alert, encode_alert, how_to_redrive
from services.queueing.queue import Queue
from services.queueing.retrying import retry_sqs
from services.telemetry import log_events
from services.telemetry.metrics import ALERTS_POSTED, child

log = structlog.get_logger(__name__)

Notify = Callable[[Alert], Awaitable[None]]
"""Returns when a person has the alert, or it is durably on its way; raises where it is neither."""


async def log_alert(alert: Alert) -> None:
    """Log the alert, where there is no Slack."""
    log.error(log_events.ALERT_LOGGED, **alert.as_log())
    child(ALERTS_POSTED, "told").inc()


def notify_through(queue: Queue) -> Notify:
    """Return what sends alerts to the queue: neither a watcher that is killed nor Slack being down loses them there."""

    async def send(alert: Alert) -> None:
        await retry_sqs(lambda: queue.send(encode_alert(alert)))

    return send


def of_stack(name_prefix: str, notify: Notify) -> Notify:
    """Return what adds to alerts the stack whose queues are named so, and how to redrive what is kept there."""
    stack = name_prefix or None

    async def notify_of_stack(alert: Alert) -> None:
        facts = {**alert.facts, "Next": how_to_redrive(alert.task_id, stack)} if alert.is_kept else alert.facts
        await notify(replace(alert, stack=stack, facts=facts))

    return notify_of_stack
