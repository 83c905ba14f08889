"""The ready hook, in a real LocalStack."""

import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aioboto3
import pytest

from stack.broker.provisioning import INIT
from stack.native.localstack import localstack_python
from tests.integration.conftest import QUEUES_JSON, environment_of_localstack
from tests.refusing_proxy import running_proxy

if TYPE_CHECKING:
    from types_aiobotocore_sqs import SQSClient

QUEUES = json.loads(QUEUES_JSON)["queues"]


@pytest.fixture
async def sqs(localstack_url: str) -> AsyncIterator["SQSClient"]:
    session = aioboto3.Session("test", "test", region_name="us-east-1")
    async with session.client("sqs", endpoint_url=localstack_url) as client:
        yield client


async def attributes(sqs: "SQSClient", name: str) -> dict[str, str]:
    url = (await sqs.get_queue_url(QueueName=name))["QueueUrl"]
    answer = await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    return {str(key): value for key, value in answer["Attributes"].items()}


@pytest.mark.parametrize("queue", QUEUES, ids=lambda queue: queue["name"])
async def test_every_queue_of_the_code_exists_with_its_retention_its_size_and_its_visibility_timeout(
    sqs: "SQSClient", queue: dict[str, Any]
) -> None:
    found = await attributes(sqs, queue["name"])

    assert found["MessageRetentionPeriod"] == str(queue["retention_seconds"])
    assert found["MaximumMessageSize"] == "1048576"
    assert found["VisibilityTimeout"] == str(queue["visibility_timeout_seconds"])


@pytest.mark.parametrize("queue", QUEUES, ids=lambda queue: queue["name"])
async def test_a_dlq_takes_the_dead_messages_of_its_queue_and_of_no_other(
    sqs: "SQSClient", queue: dict[str, Any]
) -> None:
    policy = json.loads((await attributes(sqs, queue["name"]))["RedriveAllowPolicy"])

    if queue["source_queue"] is None:
        assert policy == {"redrivePermission": "denyAll"}
    else:
        source_arn = (await attributes(sqs, queue["source_queue"]))["QueueArn"]
        assert policy == {"redrivePermission": "byQueue", "sourceQueueArns": [source_arn]}


@pytest.mark.parametrize("queue", [q for q in QUEUES if q["max_attempts"] is not None], ids=lambda queue: queue["name"])
async def test_a_queue_with_a_limit_of_attempts_redrives_to_its_dlq(sqs: "SQSClient", queue: dict[str, Any]) -> None:
    policy = json.loads((await attributes(sqs, queue["name"]))["RedrivePolicy"])

    dlq_arn = (await attributes(sqs, queue["dead_letter_queue"]))["QueueArn"]
    assert policy["deadLetterTargetArn"] == dlq_arn
    assert int(policy["maxReceiveCount"]) == queue["max_attempts"]


@pytest.mark.parametrize("queue", [q for q in QUEUES if q["max_attempts"] is None], ids=lambda queue: queue["name"])
async def test_a_queue_without_a_limit_has_no_redrive(sqs: "SQSClient", queue: dict[str, Any]) -> None:
    assert "RedrivePolicy" not in await attributes(sqs, queue["name"])


def run_hook(localstack_url: str, localstack_directory: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run the hook as LocalStack does: by its interpreter, by the text of the file."""
    port = urlsplit(localstack_url).port
    assert port is not None
    hook = (INIT / "ready.d" / "provision_queues.py").read_text()
    environment = environment_of_localstack(port, localstack_directory, settings)
    command = [str(localstack_python()), "-c", f"exec({hook!r}, {{}})"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603


async def test_a_second_run_keeps_the_queues_and_their_messages(
    sqs: "SQSClient", localstack_url: str, localstack_directory: Path
) -> None:
    prefix = "second-run-"
    run_hook(localstack_url, localstack_directory, QUEUE_NAME_PREFIX=prefix)
    before = await attributes(sqs, f"{prefix}calculation")
    url = (await sqs.get_queue_url(QueueName=f"{prefix}calculation"))["QueueUrl"]
    await sqs.send_message(QueueUrl=url, MessageBody="kept")

    again = run_hook(localstack_url, localstack_directory, QUEUE_NAME_PREFIX=prefix)

    assert again.returncode == 0, again.stderr
    after = await attributes(sqs, f"{prefix}calculation")
    assert after["RedrivePolicy"] == before["RedrivePolicy"]
    assert after["ApproximateNumberOfMessages"] == "1"


def test_it_prints_each_queue_that_it_made(localstack_url: str, localstack_directory: Path) -> None:
    done = run_hook(localstack_url, localstack_directory)

    assert all(f"queue {queue['name']}: " in done.stdout for queue in QUEUES)


def test_no_proxy_of_the_environment_stands_before_it(localstack_url: str, localstack_directory: Path) -> None:
    with running_proxy() as proxy:
        done = run_hook(localstack_url, localstack_directory, **proxy.environment)

    assert done.returncode == 0, done.stderr
    assert proxy.asked == []
