"""`services.worker.aws_lambda.handler`: the function that the queue `WORKER_QUEUE` triggers.

What it does with a message is what the process does (see __main__.py); only who receives and deletes is another.
"""

from services.runtime.garbage_collection import without_collections

with without_collections():
    from services.queueing.batch_consumer import BatchConsumer
    from services.runtime.boot import boot
    from services.runtime.function import FunctionProcess, Handler
    from services.runtime.resources import open_resources
    from services.worker.queue_work import require_queue, work_of
    from services.worker.settings import WorkerFunctionSettings


def make_handler() -> Handler:
    """Set up all that the function works with."""
    process = FunctionProcess()
    booted = boot(WorkerFunctionSettings, works=lambda settings: [settings.worker_queue], traced_as="worker")
    settings = booted.settings
    queue_name = settings.worker_queue
    require_queue(queue_name, booted.task_types, "WORKER_QUEUE")
    resources = process.open(open_resources(settings, booted.task_types, settles_at_once=True))
    queues = resources.queues
    queue = queues[queue_name]
    work = work_of(queue_name, booted, resources)
    consumer = BatchConsumer(queue, queues.dead_letter_queue_of(queue), work.handler, work.policy, settings)
    return process.queue_handler(queues, {queue_name: consumer})


with without_collections():
    handler = make_handler()
