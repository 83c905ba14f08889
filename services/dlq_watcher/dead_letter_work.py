"""What the DLQ watcher works the messages of every DLQ with, whoever receives them."""

from collections.abc import Mapping

from services.dlq_watcher.alerts import Notify, log_alert, notify_through, of_stack
from services.dlq_watcher.dead_letter_handler import DeadLetterHandler
from services.dlq_watcher.dead_outcome_handler import DeadOutcomeHandler
from services.dlq_watcher.settings import WatcherSettings
from services.dlq_watcher.stuck_handler import StuckHandler
from services.queueing.attempt import MessageHandler
from services.queueing.decisions import RetryPolicy
from services.queues import ALERTS, CALLBACKS, dlq_of
from services.runtime.resources import Resources
from services.task_types.loading import TaskTypes

# The watcher never gives up in silence: what it cannot report now it tries again for as long as SQS keeps it.
POLICY = RetryPolicy.exponential(None, first_seconds=5, longest_seconds=300)

# However many alerts wait for Slack, there is one message a window: so they can be back soon after it is.
ALERT_POLICY = RetryPolicy.exponential(None, first_seconds=5, longest_seconds=60)


def notify_of(settings: WatcherSettings, resources: Resources) -> Notify:
    """Return what notifies a person: through the queue `alerts`, or in the log where there is no Slack."""
    notify = notify_through(resources.queues[ALERTS]) if settings.slack_bot_token else log_alert
    return of_stack(settings.queue_name_prefix, notify)


def handlers_of(task_types: TaskTypes, resources: Resources, notify: Notify) -> Mapping[str, MessageHandler]:
    """Return the handler of the dead messages of each DLQ, by its name."""
    queues = resources.queues
    handlers: dict[str, MessageHandler] = {
        name: DeadLetterHandler(queues[name], resources.delivery, notify) for name in task_types
    }
    handlers[CALLBACKS] = DeadOutcomeHandler(queues[CALLBACKS], notify)
    return {dlq_of(source): StuckHandler(handler, source, notify) for source, handler in handlers.items()}
