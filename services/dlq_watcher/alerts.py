"""How the handlers tell a person of a failure: through the queue `alerts`, or in the log."""

from collections.abc import Awaitable, Callable

import structlog

from services.consumer import insistently
from services.dlq_watcher.alert import Alert, encode_alert
from services.metrics import ALERTS, child
from services.sqs import Queue

log = structlog.get_logger(__name__)

TellAlert = Callable[[Alert], Awaitable[None]]
"""Returns when the alert is told, or durably on its way; raises where it is neither."""


async def log_alert(alert: Alert) -> None:
    """Tell the alert in the log, where there is no Slack."""
    log.error("alert", **alert.as_log())
    child(ALERTS, "told").inc()


def tell_by(queue: Queue) -> TellAlert:
    """Return what sends alerts to the queue: neither a watcher that is killed nor Slack being down loses them there."""

    async def tell(alert: Alert) -> None:
        await insistently(lambda: queue.send(encode_alert(alert)))

    return tell
