"""`services.dlq_watcher.aws_lambda.handler`: the function that the DLQs trigger, and the one that `alerts` does.

What they do with a message is what the process does (see __main__.py); only who receives and deletes is another.
"""

from services.runtime.garbage_collection import without_collections

with without_collections():
    import asyncio

    from services.dlq_watcher.alert_handler import AlertHandler
    from services.dlq_watcher.alert_poster import AlertPoster
    from services.dlq_watcher.alerts import Notify, log_alert, of_stack
    from services.dlq_watcher.dead_letter_work import ALERT_POLICY, POLICY, handlers_of, notify_of
    from services.dlq_watcher.settings import WatcherFunctionSettings
    from services.dlq_watcher.slack import SlackChannel
    from services.queueing.attempt import MessageHandler
    from services.queueing.batch_consumer import BatchConsumer
    from services.queueing.decisions import RetryPolicy
    from services.queues import ALERTS
    from services.runtime.boot import boot
    from services.runtime.function import FunctionProcess, Handler
    from services.runtime.resources import open_resources


def make_handler() -> Handler:
    """Set up all that the functions work with."""
    process = FunctionProcess()
    booted = boot(WatcherFunctionSettings, traced_as="dlq-watcher")
    settings, task_types = booted.settings, booted.task_types
    resources = process.open(open_resources(settings, task_types, settles_at_once=True))
    queues = resources.queues

    def consumer_of(name: str, handler: MessageHandler, policy: RetryPolicy) -> BatchConsumer:
        queue = queues[name]
        return BatchConsumer(queue, queues.dead_letter_queue_of(queue), handler, policy, settings)

    handlers = handlers_of(task_types, resources, notify_of(settings, resources))
    consumers = {name: consumer_of(name, handler, POLICY) for name, handler in handlers.items()}
    post = of_stack(settings.queue_name_prefix, _post_by(process, settings))
    consumers[ALERTS] = consumer_of(ALERTS, AlertHandler(post), ALERT_POLICY)
    return process.queue_handler(queues, consumers)


def _post_by(process: FunctionProcess, settings: WatcherFunctionSettings) -> Notify:
    """Return what notifies a person: by one message of all alerts of a batch, or in the log where there is no Slack."""
    if not settings.slack_bot_token:
        return log_alert
    # The window is the event source's, which has gathered them.
    poster = AlertPoster(SlackChannel(settings), settings.model_copy(update={"alert_window_seconds": 0}), first_few=0)
    process.start(poster.run(asyncio.Event()))
    return poster.post


with without_collections():
    handler = make_handler()
