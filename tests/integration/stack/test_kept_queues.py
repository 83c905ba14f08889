"""What one LocalStack keeps at its end, and the next has from its start."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import httpx
import pytest

from stack.ports import free_port
from stack.readiness import Readiness
from tests.integration.conftest import running_localstack
from tests.integration.stack.sqs_account import SqsAccount

ATTRIBUTES = {
    "reason": {"DataType": "String", "StringValue": "refused \n é"},
    "raw": {"DataType": "Binary", "BinaryValue": "AAH/"},
}


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
    def started(self, stop_signal: signal.Signals = signal.SIGTERM) -> Iterator[tuple[SqsAccount, Readiness]]:
        settings = {"KEPT_QUEUES_FILE": str(self.file)}
        with running_localstack(self._directory, port=self._port, settings=settings, stop_signal=stop_signal) as (
            url,
            readiness,
        ):
            yield SqsAccount(url), readiness

    @contextmanager
    def running(self, stop_signal: signal.Signals = signal.SIGTERM) -> Iterator[SqsAccount]:
        with self.started(stop_signal) as (sqs, readiness):
            assert readiness.verdict == "ready", readiness.reason
            yield sqs


@pytest.fixture
def broker(tmp_path: Path) -> Broker:
    return Broker(tmp_path)


def test_the_queues_and_all_messages_are_after_the_restart_as_they_were_and_after_a_crash_not_again(
    broker: Broker,
) -> None:
    with broker.running() as before:
        before.send("calculation", "waiting", MessageAttributes=ATTRIBUTES, MessageGroupId="tenant-7")
        before.send("callbacks", "delayed", DelaySeconds=600)
        before.send("data", "in flight")
        [in_flight] = before.receive("data")
        before.send("data-dlq", "dead")
        [dead] = before.receive("data-dlq", visibility_timeout=0)
        made_at = before.attributes("calculation")["CreatedTimestamp"]
    assert "kept 4 messages" in broker.log

    with broker.running(stop_signal=signal.SIGKILL) as after:
        assert not broker.file.exists()
        assert "restored 4 messages" in broker.log
        assert after.attributes("calculation")["CreatedTimestamp"] == made_at
        assert after.counts("callbacks") == (0, 0, 1)
        assert after.counts("data") == (0, 1, 0)
        [waiting] = after.receive("calculation")
        assert (waiting["Body"], waiting["MessageAttributes"]) == ("waiting", ATTRIBUTES)
        assert waiting["Attributes"]["MessageGroupId"] == "tenant-7"
        [dead_again] = after.receive("data-dlq")
        assert dead_again["MessageId"] == dead["MessageId"]
        for attribute in ("SentTimestamp", "ApproximateFirstReceiveTimestamp"):
            assert dead_again["Attributes"][attribute] == dead["Attributes"][attribute]
        after.call("DeleteMessage", "data", ReceiptHandle=in_flight["ReceiptHandle"])
        assert after.counts("data") == (0, 0, 0)

    with broker.running(stop_signal=signal.SIGKILL) as after_crash:
        assert after_crash.counts("callbacks") == after_crash.counts("calculation") == (0, 0, 0)


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


def test_what_cannot_be_read_is_put_aside_what_cannot_be_kept_is_lost_and_the_log_says_so(broker: Broker) -> None:
    broker.file.write_text("{")
    aside = broker.file.with_name("queues.json.unreadable")

    with broker.started():
        assert aside.read_text() == "{"
        assert f"the kept queues cannot be read, see {aside}" in broker.log

    with broker.running() as without:
        assert without.counts("calculation") == (0, 0, 0)
        without.send("calculation", "lost")
        aside.unlink()
        broker.file.parent.rmdir()
    assert "the queues cannot be kept, lost: 1 message: [Errno 2] No such file or directory" in broker.log
