# ruff: noqa: INP001  # LocalStack's hook runs this file, and so does the stack for the brokers that have none
"""Makes the queues that `queues.json` describes, by SQS's own API: at LocalStack, or at any other broker.

It may be done again over queues that exist.
"""

import json
from collections.abc import Iterable
from typing import Any

MAXIMUM_MESSAGE_BYTES = 1_048_576

Queue = dict[str, Any]


def provision(sqs: Any, queues: Iterable[Queue], name_prefix: str) -> None:
    """Make every queue with a client of boto3, and raise its errors.

    `queues` are those that `python -m services.queues` prints, `name_prefix` is what the services put before their
    names. Dead-letter queues come first, as a redrive policy needs the ARN of an existing queue.
    """
    for queue in sorted(queues, key=lambda queue: queue["max_attempts"] is not None):
        name = name_prefix + queue["name"]
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        attributes = (
            basic_attributes(queue)
            | redrive_allow_policy(sqs, queue, url, name_prefix)
            | redrive_policy(sqs, queue, name_prefix)
        )
        sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
        print(f"queue {name}: {attributes}", flush=True)  # noqa: T201 # the broker's log is the place to look


def basic_attributes(queue: Queue) -> dict[str, str]:
    """What every queue has."""
    return {
        "MessageRetentionPeriod": str(queue["retention_seconds"]),
        "MaximumMessageSize": str(MAXIMUM_MESSAGE_BYTES),
        "VisibilityTimeout": str(queue["visibility_timeout_seconds"]),
    }


def redrive_allow_policy(sqs: Any, queue: Queue, url: str, name_prefix: str) -> dict[str, str]:
    """Only the queue whose dead messages it holds may send them there by itself."""
    if queue["source_queue"] is None:
        return {"RedriveAllowPolicy": json.dumps({"redrivePermission": "denyAll"})}
    # The other queue may be yet to be made, and is named as this one is.
    source = f"{arn_of(sqs, url).rpartition(':')[0]}:{name_prefix}{queue['source_queue']}"
    return {"RedriveAllowPolicy": json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": [source]})}


def redrive_policy(sqs: Any, queue: Queue, name_prefix: str) -> dict[str, str]:
    """SQS's own redrive, where the queue has a limit of attempts."""
    if queue["max_attempts"] is None:
        return {}
    dlq_url = sqs.get_queue_url(QueueName=name_prefix + queue["dead_letter_queue"])["QueueUrl"]
    target = arn_of(sqs, dlq_url)
    return {"RedrivePolicy": json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": queue["max_attempts"]})}


def arn_of(sqs: Any, url: str) -> str:
    """The ARN of the queue at a URL."""
    arn: str = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return arn
