"""What each program does with which queue, and the statements of IAM that allow it that, and no more.

The console and the command line have no role here.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html (a batch
takes the permission of its single action)
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from services.queueing.definition import QueueDefinition
from services.queues import ALERTS, CALLBACKS, OUTCOME_QUEUES, UNDELIVERED, dlq_of, queues_of_worker
from stack.aws.cloudformation import Resource
from stack.aws.queue_resources import queue_resource_id
from stack.aws.roles import allow

_FIND = frozenset({"sqs:GetQueueUrl"})
"""A queue is found by its name."""

_LOOK = _FIND | {"sqs:GetQueueAttributes"}
_SEND = _FIND | {"sqs:SendMessage"}
_RECEIVE = _LOOK | {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"}


@dataclass(frozen=True, slots=True)
class QueueUse:
    """What a program does with queues, by their names."""

    receives_from: frozenset[str] = frozenset()
    sends_to: frozenset[str] = frozenset()
    looks_at: frozenset[str] = frozenset()
    """Those that it compares with how they are declared, or counts, beside those that it receives from."""


def worked_queues(definitions: Iterable[QueueDefinition]) -> list[str]:
    """Return the names of the queues that workers consume."""
    return [definition.name for definition in definitions if definition.consumer == "worker"]


def use_of_api(definitions: Iterable[QueueDefinition]) -> QueueUse:
    """Return what the API does: it sends to the queue of each task type.

    It asks each whether it is there, and each and its DLQ how large a message may be.
    """
    tasks = frozenset(worked_queues(definitions)) - {CALLBACKS}
    return QueueUse(sends_to=tasks, looks_at=tasks | {dlq_of(task) for task in tasks})


def use_of_worker(queue: str) -> QueueUse:
    """Return what the worker of a queue does.

    It gives up to its DLQ, and puts an outcome that its callback has not taken where it will be, or is kept.
    """
    others = frozenset(queues_of_worker(queue)) - {queue}
    return QueueUse(receives_from=frozenset({queue}), sends_to=others, looks_at=others)


def use_of_watcher(definitions: Iterable[QueueDefinition]) -> QueueUse:
    """Return what the DLQ watcher does, as one program.

    It consumes every DLQ and the alerts, delivers failure outcomes, keeps in `undelivered` what nobody takes, and tells
    of each queue of which nobody takes anything (services/dlq_watcher/queue_watch.py).
    """
    definitions = list(definitions)
    return QueueUse(
        receives_from=frozenset(each.name for each in definitions if each.consumer == "dlq_watcher"),
        sends_to=frozenset({ALERTS, UNDELIVERED, *OUTCOME_QUEUES}),
        looks_at=frozenset(each.name for each in definitions),
    )


def queue_statements(use: QueueUse) -> list[Resource]:
    """Return the statements that allow this: one for the queues that are used alike."""
    actions: dict[str, frozenset[str]] = defaultdict(frozenset)
    for queues, allowed in ((use.receives_from, _RECEIVE), (use.sends_to, _SEND), (use.looks_at, _LOOK)):
        for queue in queues:
            actions[queue] |= allowed
    alike: dict[frozenset[str], list[str]] = defaultdict(list)
    for queue, allowed in sorted(actions.items()):
        alike[allowed].append(queue)
    # By what the queues are, and not by their names: so they are there before who uses them begins.
    return [
        allow(allowed, [{"Fn::GetAtt": [queue_resource_id(queue), "Arn"]} for queue in queues])
        for allowed, queues in alike.items()
    ]
