"""`python -m services.dlq_watcher`: consume every DLQ; report each failure to its callback and to a person."""

import argparse
from collections.abc import Sequence

from services.dlq_watcher.alert import Alert
from services.dlq_watcher.alert_handler import AlertHandler
from services.dlq_watcher.alert_poster import AlertPoster
from services.dlq_watcher.alerts import Notify, log_alert, of_stack
from services.dlq_watcher.dead_letter_work import ALERT_POLICY, POLICY, handlers_of, notify_of
from services.dlq_watcher.queue_watch import (
    SECONDS_BETWEEN_LOOKS,
    SECONDS_BETWEEN_LOOKS_ON_AWS,
    QueueWatch,
)
from services.dlq_watcher.settings import WatcherSettings
from services.dlq_watcher.slack import SlackChannel
from services.messages import peek_task_id
from services.queueing.attempt import MessageHandler
from services.queueing.client import is_aws
from services.queueing.connections import most_connections
from services.queueing.consumer import Consumer
from services.queueing.idle_rest import IdleRest
from services.queueing.queue import Queue
from services.queues import ALERTS, OUTCOME_QUEUES, UNDELIVERED, define_queues
from services.runtime.boot import boot
from services.runtime.program import Component, run_program
from services.runtime.resources import Resources
from services.task_types.loading import TaskTypes

# Alerts are small, and are in flight until their window is over: as many as these make one digest.
_ALERTS_IN_FLIGHT = 1000


def main() -> None:
    """Run until asked to stop."""
    argparse.ArgumentParser(prog="python -m services.dlq_watcher", description=__doc__).parse_args()
    booted = boot(WatcherSettings, traced_as="dlq-watcher")
    settings, task_types = booted.settings, booted.task_types
    run_program(
        "dlq-watcher",
        settings,
        task_types,
        lambda resources: make_components(settings, task_types, resources),
        define_queues(task_types),
        # A callback for each message in flight, from the DLQ of each task type and that of `callbacks`.
        most_connections=settings.worker_concurrency * (len(task_types) + 1),
        sqs_connections=sqs_connections(task_types),
        samples_queues=True,
    )


def sqs_connections(task_types: TaskTypes) -> int:
    """Return how many requests to SQS are under way at a time, at the most."""
    definitions = define_queues(task_types)
    consumed = sum(definition.consumer == "dlq_watcher" for definition in definitions.values())
    sent_to = len({ALERTS, UNDELIVERED, *OUTCOME_QUEUES})
    return most_connections(consumed=consumed, sent_to=sent_to, looked_at=len(definitions))


def make_components(settings: WatcherSettings, task_types: TaskTypes, resources: Resources) -> Sequence[Component]:
    """Return a consumer for the DLQ of each task type, one for that of `callbacks`, and what sends the alerts."""
    queues = resources.queues
    # What comes on `alerts` is sent here, but for what a watcher before this one has left.
    idle_rest = IdleRest()
    send = notify_of(settings, resources)

    async def notify(alert: Alert) -> None:
        try:
            await send(alert)
        finally:
            # What was not confirmed may have come all the same.
            idle_rest.end()

    def consumer_of(dlq: Queue, handler: MessageHandler) -> Consumer:
        dead_letter_queue = queues.dead_letter_queue_of(dlq)
        return Consumer(dlq, dead_letter_queue, handler, POLICY, settings, task_id_of=peek_task_id)

    return [
        *(consumer_of(queues[name], handler) for name, handler in handlers_of(task_types, resources, notify).items()),
        QueueWatch(resources.sampler, notify, seconds_between_looks=_seconds_between_looks(queues[ALERTS])),
        *_alert_components(settings, resources, idle_rest),
    ]


def _seconds_between_looks(queue: Queue) -> float:
    return SECONDS_BETWEEN_LOOKS_ON_AWS if is_aws(queue.destination.server_url) else SECONDS_BETWEEN_LOOKS


def _alert_components(settings: WatcherSettings, resources: Resources, idle_rest: IdleRest) -> Sequence[Component]:
    """Return the consumer of `alerts` and what posts them; where there is no Slack any more they go to the log."""
    alerts = resources.queues[ALERTS]

    def consumer_of(notify: Notify) -> Consumer:
        roomy = settings.model_copy(update={"worker_concurrency": _ALERTS_IN_FLIGHT})
        undelivered = resources.queues.dead_letter_queue_of(alerts)
        handler = AlertHandler(of_stack(settings.queue_name_prefix, notify))
        return Consumer(alerts, undelivered, handler, ALERT_POLICY, roomy, task_id_of=peek_task_id, idle_rest=idle_rest)

    if not settings.slack_bot_token:
        return [consumer_of(log_alert)]
    poster = AlertPoster(SlackChannel(settings), settings)
    return [consumer_of(poster.post), poster]


if __name__ == "__main__":
    main()
