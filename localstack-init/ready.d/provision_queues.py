# ruff: noqa: INP001  # LocalStack runs this file, nothing imports it
"""Makes the queues that `../queues.json` describes. LocalStack runs this file when it is ready.

It may run again over queues that exist. Any failure is an exception, by which LocalStack marks the hook as failed.
LocalStack executes the text of this file in its own process: there is no `__file__`, and `__name__` is not `__main__`.
"""

import json
import os
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
from localstack import config  # type: ignore[import-not-found]

MAXIMUM_MESSAGE_BYTES = 1_048_576

Queue = dict[str, Any]


def provision() -> None:
    """Make every queue; dead-letter queues first, as a redrive policy needs the ARN of an existing queue."""
    sqs = connect()
    for queue in sorted(read_queues(), key=lambda queue: queue["max_attempts"] is not None):
        name = prefixed(queue["name"])
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        attributes = basic_attributes(queue) | redrive_allow_policy(sqs, queue, url) | redrive_policy(sqs, queue)
        sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
        print(f"queue {name}: {attributes}")  # noqa: T201 # LocalStack's log is the place to look


def connect() -> Any:
    """A client of the LocalStack that runs this."""
    return boto3.client(
        "sqs",
        endpoint_url=config.internal_service_url(),
        region_name=os.environ.get("AWS_DEFAULT_REGION", "us-east-1"),
        aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID", "test"),
        aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY", "test"),
    )


def read_queues() -> list[Queue]:
    """The queues' definitions, printed by `python -m services.queues`."""
    file = Path(config.dirs.init) / "queues.json"
    queues: list[Queue] = json.loads(file.read_text())["queues"]
    return queues


def prefixed(name: str) -> str:
    """The name under which the services look the queue up."""
    return os.environ.get("QUEUE_NAME_PREFIX", "") + name


def basic_attributes(queue: Queue) -> dict[str, str]:
    """What every queue has."""
    return {
        "MessageRetentionPeriod": str(queue["retention_seconds"]),
        "MaximumMessageSize": str(MAXIMUM_MESSAGE_BYTES),
        "VisibilityTimeout": str(queue["visibility_timeout_seconds"]),
    }


def redrive_allow_policy(sqs: Any, queue: Queue, url: str) -> dict[str, str]:
    """Only the queue whose dead messages it holds may send them there by itself."""
    if queue["source_queue"] is None:
        return {"RedriveAllowPolicy": json.dumps({"redrivePermission": "denyAll"})}
    # The other queue may be yet to be made, and is named as this one is.
    source = f"{arn_of(sqs, url).rpartition(':')[0]}:{prefixed(queue['source_queue'])}"
    return {"RedriveAllowPolicy": json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": [source]})}


def redrive_policy(sqs: Any, queue: Queue) -> dict[str, str]:
    """SQS's own redrive, where the queue has a limit of attempts."""
    if queue["max_attempts"] is None:
        return {}
    dlq_url = sqs.get_queue_url(QueueName=prefixed(queue["dead_letter_queue"]))["QueueUrl"]
    target = arn_of(sqs, dlq_url)
    return {"RedrivePolicy": json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": queue["max_attempts"]})}


def arn_of(sqs: Any, url: str) -> str:
    """The ARN of the queue at a URL."""
    arn: str = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return arn


provision()
