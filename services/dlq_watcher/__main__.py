"""`python -m services.dlq_watcher`: consume every DLQ; report each failure to its callback and to Slack."""

import argparse
from collections.abc import Sequence

from services.boot import boot
from services.consumer import Consumer
from services.decisions import RetryPolicy
from services.dlq_watcher.alerts import Alerts
from services.dlq_watcher.dead_letter_handler import DeadLetterHandler
from services.dlq_watcher.dead_outcome_handler import DeadOutcomeHandler
from services.program import Resources, run_program
from services.queues import CALLBACKS
from services.settings import WatcherSettings
from services.task_types import TaskTypes

# The watcher never gives up in silence: what it cannot report now it tries again for as long as SQS keeps it.
_POLICY = RetryPolicy.exponential(None, first_seconds=5, longest_seconds=300)


def main() -> None:
    """Run until told to stop."""
    argparse.ArgumentParser(prog="python -m services.dlq_watcher", description=__doc__).parse_args()
    settings, task_types = boot(WatcherSettings)
    run_program(settings, task_types, lambda resources: make_consumers(settings, task_types, resources))


def make_consumers(settings: WatcherSettings, task_types: TaskTypes, resources: Resources) -> Sequence[Consumer]:
    """Return a consumer for the DLQ of each task type, and one for that of `callbacks`."""
    alerts = Alerts(settings)
    queues = resources.queues

    def consumer_of(source: str, handler: DeadLetterHandler | DeadOutcomeHandler) -> Consumer:
        dlq = queues.dead_letter_queue_of(queues[source])
        return Consumer(dlq, queues.dead_letter_queue_of(dlq), handler, _POLICY, settings)

    return [
        *(
            consumer_of(task_type.name, DeadLetterHandler(task_type, resources.delivery, alerts))
            for task_type in task_types.values()
        ),
        consumer_of(CALLBACKS, DeadOutcomeHandler(alerts)),
    ]


if __name__ == "__main__":
    main()
