"""The broker under all systems: a real LocalStack of its own, whose log says what it was asked."""

import json
import re
import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
from botocore.config import Config

from bench.errors import BenchError
from bench.processes import Process, running
from services.queueing.definition import QueueDefinition
from services.queues import define_queues
from services.task_types.loading import load_task_types
from stack.native.localstack import COMMAND, localstack_environment, localstack_python, prepare_localstack
from stack.ports import free_port
from stack.readiness import READY_SECONDS, localstack_probe, wait_until_ready

REGION = "us-east-1"
TASK_PACKAGE = "services.tasks"
VISIBILITY_TIMEOUT_SECONDS = 60

_REQUEST = re.compile(rb"AWS sqs\.(\w+) => \d+")
_POLL_SECONDS = 0.02


def count_requests(log: bytes) -> Counter[str]:
    """Count the requests by operation in what LocalStack has logged: a line for each, when it was answered."""
    return Counter(operation.decode() for operation in _REQUEST.findall(log))


def connect(url: str) -> Any:
    """Return a client of the LocalStack there, which is asked directly whatever proxy the environment names."""
    environment = credentials()
    return boto3.client(
        "sqs",
        endpoint_url=url,
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_DEFAULT_REGION"],
        config=Config(proxies={}),
    )


class Broker:
    """A LocalStack that runs."""

    def __init__(self, url: str, process: Process, directory: Path) -> None:
        self.url = url
        self.process = process
        self.directory = directory
        self._sqs: Any = connect(url)
        self._own: Counter[str] = Counter()

    def environment(self) -> dict[str, str]:
        """Return what a program needs to find it."""
        return {**credentials(), "AWS_ENDPOINT_URL": self.url, "AWS_ENDPOINT_URL_SQS": self.url}

    def make_queues(self, prefix: str) -> None:
        """Make all queues of this project, under names with the prefix: dead-letter queues first."""
        arns: dict[str, str] = {}
        for queue in sorted(_definitions(), key=lambda queue: queue.max_attempts is not None):
            attributes = {"VisibilityTimeout": str(VISIBILITY_TIMEOUT_SECONDS), "MaximumMessageSize": "1048576"}
            if queue.max_attempts:
                policy = {
                    "deadLetterTargetArn": arns[queue.dead_letter_queue or ""],
                    "maxReceiveCount": queue.max_attempts,
                }
                attributes["RedrivePolicy"] = json.dumps(policy)
            url = self._call("create_queue", QueueName=prefix + queue.name, Attributes=attributes)["QueueUrl"]
            arns[queue.name] = self._attributes(url, "QueueArn")["QueueArn"]

    def delete_queues(self, prefix: str) -> None:
        """Delete what `make_queues` has made."""
        for queue in _definitions():
            self._call("delete_queue", QueueUrl=self._url_of(prefix + queue.name))

    def requests(self) -> Counter[str]:
        """Count what it was asked so far, without what this object asked."""
        counted = count_requests(_log_of(self.directory).read_bytes())
        counted.subtract(self._own)
        return +counted

    def wait_until_empty(self, name: str, timeout_seconds: float) -> None:
        """Wait until every message of the queue is acknowledged. Raises BenchError where it takes longer."""
        url = self._url_of(name)
        deadline = time.monotonic() + timeout_seconds
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        while any(map(int, (left := self._attributes(url, *names)).values())):
            if time.monotonic() > deadline:
                raise BenchError(f"the queue {name} is not empty after {timeout_seconds:g} s: {left}")
            time.sleep(_POLL_SECONDS)

    def _attributes(self, url: str, *names: str) -> dict[str, str]:
        return dict(self._call("get_queue_attributes", QueueUrl=url, AttributeNames=list(names))["Attributes"])

    def _url_of(self, name: str) -> str:
        return str(self._call("get_queue_url", QueueName=name)["QueueUrl"])

    def _call(self, method: str, **parameters: Any) -> Any:
        self._own["".join(word.capitalize() for word in method.split("_"))] += 1
        return getattr(self._sqs, method)(**parameters)


def _definitions() -> Collection[QueueDefinition]:
    return define_queues(load_task_types([TASK_PACKAGE])).values()


def credentials() -> dict[str, str]:
    """Return the region and the credentials: LocalStack takes any, and these can never be real ones."""
    return {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}


@contextmanager
def running_broker(directory: Path) -> Iterator[Broker]:
    """Run a LocalStack inside the block; its files, and its log, are in the directory."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    prepare_localstack(directory, json.dumps({"queues": []}))
    environment = {**credentials(), **localstack_environment(port, directory)}
    with running("LocalStack", [localstack_python(), *COMMAND], environment, _log_of(directory)) as process:
        wait_until_ready("LocalStack", localstack_probe(url), READY_SECONDS)
        yield Broker(url, process, directory)


def _log_of(directory: Path) -> Path:
    return directory / "localstack.log"
