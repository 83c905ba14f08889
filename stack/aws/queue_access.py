"""What each service may do with which queue, and no more; the console and the command line have no role here.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html (a batch
takes the permission of its single action)
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from services.queueing.definition import QueueDefinition
from services.queues import ALERTS, CALLBACKS, UNDELIVERED, dlq_of
from stack.aws.queue_resources import queue_arn

Access = Mapping[str, frozenset[str]]
"""The actions that are allowed on each queue, by its name."""

_FIND = frozenset({"sqs:GetQueueUrl"})
_LOOK = _FIND | {"sqs:GetQueueAttributes"}
_SEND = _FIND | {"sqs:SendMessage"}
_CONSUME = _LOOK | {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"}


def worked_queues(definitions: Iterable[QueueDefinition]) -> list[str]:
    """Return the names of the queues that workers consume."""
    return [definition.name for definition in definitions if definition.consumer == "worker"]


def api_access(definitions: Iterable[QueueDefinition]) -> Access:
    """Return what the API may do: send to the queue of each task type, and ask each whether it is there."""
    return {name: _LOOK | _SEND for name in worked_queues(definitions) if name != CALLBACKS}


def worker_access(queue: str) -> Access:
    """Return what the worker of a queue may do.

    It consumes its queue, sends to its DLQ, and puts an outcome that its callback has not taken where it will be.
    """
    own: dict[str, frozenset[str]] = {queue: _CONSUME, dlq_of(queue): _LOOK | _SEND}
    return own if queue == CALLBACKS else {**own, **_DELIVER}


def watcher_access(definitions: Iterable[QueueDefinition]) -> Access:
    """Return what the DLQ watcher may do.

    It looks at every queue, consumes every DLQ and the alerts, sends alerts, delivers failure outcomes, and keeps in
    `undelivered` what nobody takes.
    """
    access: dict[str, frozenset[str]] = {}
    for definition in definitions:
        access[definition.name] = _CONSUME if definition.consumer == "dlq_watcher" else _LOOK
    for name, actions in {ALERTS: _SEND, UNDELIVERED: _SEND, **_DELIVER}.items():
        access[name] |= actions
    return access


_DELIVER: Access = {CALLBACKS: _SEND, dlq_of(CALLBACKS): _SEND}


def queue_policy(access: Access) -> dict[str, Any]:
    """Return the policy that allows this: a statement for the queues that may be used alike."""
    queues_by_actions: dict[frozenset[str], list[str]] = defaultdict(list)
    for name, actions in access.items():
        queues_by_actions[actions].append(name)
    statements = [
        {"Effect": "Allow", "Action": sorted(actions), "Resource": [queue_arn(name) for name in names]}
        for actions, names in queues_by_actions.items()
    ]
    return {"Version": "2012-10-17", "Statement": statements}
