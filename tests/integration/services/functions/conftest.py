"""The functions as AWS runs them: by its own runtime, in processes of their own, on the queues of a test."""

import asyncio
import base64
import json
import os
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from function_log import FunctionLog
from function_runtime import FunctionCode, FunctionRuntime
from runtime_api import Answer

from stack.config import ROOT
from tests.integration.services.conftest import Broker

ARN = "arn:aws:lambda:us-east-1:000000000000:function:tested"

FUNCTION_TIMEOUT_SECONDS = 15
SETTINGS = {
    "FUNCTION_TIMEOUT_SECONDS": str(FUNCTION_TIMEOUT_SECONDS),
    "VISIBILITY_TIMEOUT_SECONDS": "60",
    "TASK_TIMEOUT_SECONDS": "3",
    "CALLBACK_TIMEOUT_SECONDS": "2",
    "CALLBACK_IN_PLACE_RETRY_SECONDS": "0.01",
    "ALLOWED_PRIVATE_TARGETS": "127.0.0.1",
    "LOG_FORMAT": "json",
    "METRICS_ENABLED": "false",
}


@dataclass
class Function:
    """A function that runs."""

    runtime: FunctionRuntime
    log: Path
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(max_workers=8))

    async def invoke(self, event: Any) -> Answer:
        """Hand it an event, as JSON or as its bytes."""
        payload = event if isinstance(event, bytes) else json.dumps(event).encode()

        def invoke() -> Answer:
            return self.runtime.invoke(payload, request_id=str(uuid4()), function_arn=ARN)

        # No thread of the loop's own: a test that is cancelled is not to wait for it.
        return await asyncio.get_running_loop().run_in_executor(self._threads, invoke)

    def logged(self) -> list[dict[str, Any]]:
        """End it, and return what it has logged; lines that are no JSON have the `event` that they are."""
        self.runtime.stop()
        return [_line_of(line) for line in self.log.read_text().splitlines()]

    def events(self) -> list[str]:
        """End it, and return the event of each line."""
        return [str(line["event"]) for line in self.logged()]


def _line_of(line: str) -> dict[str, Any]:
    try:
        read = json.loads(line)
    except ValueError:
        return {"event": line}
    return read if isinstance(read, dict) and "event" in read else {"event": line}


@contextmanager
def running_function(
    handler: str,
    environment: Mapping[str, Any],
    directory: Path,
    *,
    timeout_seconds: float = FUNCTION_TIMEOUT_SECONDS,
) -> Iterator[Function]:
    """A function of this repository's code, with what Lambda sets and with this environment."""
    log = directory / "function.log"
    lambdas = {
        "AWS_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_NAME": "tested",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/tested",
        "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
        "PYTHONPATH": str(ROOT),
    }
    credentials = {name: os.environ[name] for name in os.environ if name.startswith("AWS_")}
    merged = {**credentials, **lambdas, **SETTINGS, **{name.upper(): str(value) for name, value in environment.items()}}
    code = FunctionCode("tested", handler, directory, Path(sys.executable), timeout_seconds, merged)
    runtime = FunctionRuntime(code, FunctionLog(log))
    try:
        yield Function(runtime, log)
    finally:
        runtime.stop()


@pytest.fixture
def worker(broker: Broker, tmp_path: Path) -> Iterator[Function]:
    """The worker of the queue `calculation`."""
    settings = {**broker.environment, "worker_queue": "calculation"}
    with running_function("services.worker.aws_lambda.handler", settings, tmp_path) as function:
        yield function


async def event_of(broker: Broker, queue: str, count: int) -> dict[str, Any]:
    """Receive so many messages, and return the event that Lambda's event source mapping makes of them."""
    name = broker.queues[queue].name
    url = (await broker.client.get_queue_url(QueueName=name))["QueueUrl"]
    messages: list[Any] = []
    while len(messages) < count:
        received = await broker.client.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=min(10, count - len(messages)),
            WaitTimeSeconds=5,
            VisibilityTimeout=60,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages += received.get("Messages", [])
    arn = f"arn:aws:sqs:us-east-1:000000000000:{name}"
    return {"Records": [_record_of(message, arn) for message in messages]}


def _record_of(message: Any, arn: str) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {
            name: {_lower(key): _text(value) for key, value in each.items()}
            for name, each in message.get("MessageAttributes", {}).items()
        },
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": "us-east-1",
    }


def _lower(name: str) -> str:
    return f"{name[0].lower()}{name[1:]}"


def _text(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


async def settle(broker: Broker, queue: str, event: dict[str, Any], answer: Answer) -> list[str]:
    """Delete what the answer lets be deleted, as the event source mapping does; return the bodies of what it does not.

    All of it, where the function has failed.
    """
    records = {record["messageId"]: record for record in event["Records"]}
    failures = {each["itemIdentifier"] for each in json.loads(answer.body).get("batchItemFailures", [])}
    kept = set(records) if answer.is_error else failures
    assert kept <= set(records)
    url = (await broker.client.get_queue_url(QueueName=broker.queues[queue].name))["QueueUrl"]
    for message_id in records.keys() - kept:
        await broker.client.delete_message(QueueUrl=url, ReceiptHandle=records[message_id]["receiptHandle"])
    return [records[message_id]["body"] for message_id in kept]
