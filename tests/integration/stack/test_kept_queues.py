"""What one LocalStack keeps at its end, and the next has from its start."""

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from stack.environment import merged_environment
from stack.localstack import render_queues
from stack.ports import free_port
from stack.readiness import Readiness
from tests.integration.conftest import running_localstack

QUEUES_JSON = render_queues(merged_environment())

PATIENCE_SECONDS = 60
"""How long LocalStack may take for an answer."""

ATTRIBUTES = {
    "reason": {"DataType": "String", "StringValue": "refused \n é"},
    "raw": {"DataType": "Binary", "BinaryValue": "AAH/"},
}


class Sqs:
    """The queues of the running LocalStack, by name."""

    def __init__(self, url: str) -> None:
        self._url = url

    def call(self, operation: str, queue: str, **parameters: Any) -> dict[str, Any]:
        headers = {
            "X-Amz-Target": f"AmazonSQS.{operation}",
            "Content-Type": "application/x-amz-json-1.0",
            "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, Signature=x",
        }
        request = {"QueueUrl": f"{self._url}/000000000000/{queue}", **parameters}
        response = httpx.post(self._url, content=json.dumps(request), headers=headers, timeout=PATIENCE_SECONDS)
        response.raise_for_status()
        return dict(response.json()) if response.content else {}

    def send(self, queue: str, body: str, **parameters: Any) -> str:
        return str(self.call("SendMessage", queue, MessageBody=body, **parameters)["MessageId"])

    def counts(self, queue: str) -> tuple[int, int, int]:
        """How many are waiting, in flight and delayed."""
        found = self.attributes(queue)
        waiting, in_flight, delayed = (
            int(found[f"ApproximateNumberOfMessages{state}"]) for state in ("", "NotVisible", "Delayed")
        )
        return waiting, in_flight, delayed

    def attributes(self, queue: str) -> dict[str, str]:
        return dict(self.call("GetQueueAttributes", queue, AttributeNames=["All"])["Attributes"])

    def receive(self, queue: str, visibility_timeout: int = 600) -> list[dict[str, Any]]:
        answer = self.call(
            "ReceiveMessage",
            queue,
            MaxNumberOfMessages=10,
            VisibilityTimeout=visibility_timeout,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return list(answer.get("Messages", []))


class Broker:
    """A LocalStack that is started again and again, and the file that it keeps its queues in."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "kept" / "queues.json"
        self.file.parent.mkdir()
        self._directory = directory / "localstack"
        self._directory.mkdir()
        self._port = free_port()

    @property
    def log(self) -> str:
        """That of the last start."""
        return (self._directory / "localstack.log").read_text()

    @contextmanager
    def started(self, stop_signal: signal.Signals = signal.SIGTERM) -> Iterator[tuple[Sqs, Readiness]]:
        settings = {"KEPT_QUEUES_FILE": str(self.file)}
        with running_localstack(
            self._directory, QUEUES_JSON, self._port, settings=settings, stop_signal=stop_signal
        ) as (url, readiness):
            yield Sqs(url), readiness

    @contextmanager
    def running(self, stop_signal: signal.Signals = signal.SIGTERM) -> Iterator[Sqs]:
        with self.started(stop_signal) as (sqs, readiness):
            assert readiness.verdict == "ready", readiness.reason
            yield sqs


@pytest.fixture
def broker(tmp_path: Path) -> Broker:
    return Broker(tmp_path)


def test_the_queues_and_all_messages_are_after_the_restart_as_they_were(broker: Broker) -> None:
    with broker.running() as before:
        before.send("calculation", "waiting", MessageAttributes=ATTRIBUTES)
        before.send("callbacks", "delayed", DelaySeconds=600)
        before.send("data", "in hand")
        [in_hand] = before.receive("data")
        before.send("data-dlq", "dead")
        [dead] = before.receive("data-dlq", visibility_timeout=0)
        made_at = before.attributes("calculation")["CreatedTimestamp"]
    assert "kept 4 messages" in broker.log

    with broker.running() as after:
        assert not broker.file.exists()
        assert "restored 4 messages" in broker.log
        assert after.attributes("calculation")["CreatedTimestamp"] == made_at
        assert after.counts("callbacks") == (0, 0, 1)
        assert after.counts("data") == (0, 1, 0)
        [waiting] = after.receive("calculation")
        assert (waiting["Body"], waiting["MessageAttributes"]) == ("waiting", ATTRIBUTES)
        [dead_again] = after.receive("data-dlq")
        assert dead_again["MessageId"] == dead["MessageId"]
        for attribute in ("SentTimestamp", "ApproximateFirstReceiveTimestamp"):
            assert dead_again["Attributes"][attribute] == dead["Attributes"][attribute]
        after.call("DeleteMessage", "data", ReceiptHandle=in_hand["ReceiptHandle"])
        assert after.counts("data") == (0, 0, 0)


def test_what_was_confirmed_to_the_last_is_kept_and_comes_once(broker: Broker) -> None:
    def send_until_it_ends(sender: int) -> list[str]:
        sent: list[str] = []
        with suppress(httpx.HTTPError):
            sent.extend(sqs.send("calculation", f"{sender}-{number}") for number in count())
        return sent

    with ThreadPoolExecutor() as threads:
        with broker.running() as sqs:
            sending = [threads.submit(send_until_it_ends, sender) for sender in range(4)]
            while not sum(sqs.counts("calculation")):
                pass
        confirmed = [message_id for each in sending for message_id in each.result()]

    with broker.running() as after:
        found: list[str] = []
        while messages := after.receive("calculation"):
            found += [message["MessageId"] for message in messages]
    assert len(set(found)) == len(found)
    assert set(confirmed) <= set(found)


def test_what_was_restored_is_not_restored_again_after_a_crash(broker: Broker) -> None:
    with broker.running() as first:
        first.send("calculation", "once")
    with broker.running(stop_signal=signal.SIGKILL) as second:
        assert second.counts("calculation") == (1, 0, 0)
    with broker.running() as third:
        assert third.counts("calculation") == (0, 0, 0)


def test_the_log_says_how_much_is_lost_where_the_queues_cannot_be_kept(broker: Broker) -> None:
    with broker.running() as sqs:
        sqs.send("calculation", "lost")
        broker.file.parent.rmdir()
    assert "the queues cannot be kept, lost: 1 message: [Errno 2] No such file or directory" in broker.log


def test_a_file_that_cannot_be_read_is_put_aside_and_told_and_the_next_start_goes_on_without(broker: Broker) -> None:
    broker.file.write_text("{")
    aside = broker.file.with_name("queues.json.unreadable")

    with broker.started():
        assert aside.read_text() == "{"
        assert f"the kept queues cannot be read, see {aside}" in broker.log

    with broker.running() as sqs:
        assert sqs.counts("calculation") == (0, 0, 0)
