"""Messages saved from one LocalStack and restored to another, as one that is started again keeps nothing.

The other one is another account of the same LocalStack: LocalStack takes an access key of 12 digits for its account.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from stack import brokers
from stack.broker.saved_messages import RECEIVES_TOGETHER, restore, save
from stack.config import StackSettings
from stack.errors import StackError
from stack.ports import free_port
from stack.state import saved_messages_file
from tests.integration.stack.sqs_account import SqsAccount


class Broker(SqsAccount):
    """One account of LocalStack with a queue `work`, its DLQ `work-dlq` (2 attempts), and `undelivered`."""

    def __init__(self, url: str, directory: Path, broker: brokers.Broker = brokers.LOCALSTACK) -> None:
        account = str(uuid4().int)[:12]
        super().__init__(url, account)
        self.settings = StackSettings(
            mode="native",
            localstack_port=urlsplit(url).port or 0,
            directory=directory,
            broker=broker,
            environment={"AWS_ACCESS_KEY_ID": account, "AWS_DEFAULT_REGION": "us-east-1"},
        )
        policy = json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:us-east-1:{account}:work-dlq", "maxReceiveCount": 2})
        for name, redrive in {"work-dlq": {}, "work": {"RedrivePolicy": policy}, "undelivered": {}}.items():
            self.call("CreateQueue", name, Attributes={"MaximumMessageSize": "1048576", **redrive})

    def receive_all(self, queue: str) -> list[dict[str, Any]]:
        received: list[dict[str, Any]] = []
        while answer := self.receive(queue):
            received += answer
        return received

    def bodies(self, queue: str) -> list[str]:
        return [message["Body"] for message in self.receive_all(queue)]


@pytest.fixture
def make_broker(localstack_url: str, tmp_path: Path) -> Callable[[], Broker]:
    return lambda: Broker(localstack_url, tmp_path)


@pytest.fixture
def before(make_broker: Callable[[], Broker]) -> Broker:
    return make_broker()


@pytest.fixture
def after(make_broker: Callable[[], Broker]) -> Broker:
    return make_broker()


def test_body_and_attributes_come_back_unchanged(before: Broker, after: Broker) -> None:
    body = ' {"name": "é <&>"}\r\n\t '
    attributes = {
        "reason": {"DataType": "String", "StringValue": "refused \n"},
        "attempts": {"DataType": "Number", "StringValue": "3"},
        "raw": {"DataType": "Binary", "BinaryValue": "AAH/"},
    }
    before.send("work", body, MessageAttributes=attributes)

    assert save(before.settings) == 1
    assert restore(after.settings) == 1

    [message] = after.receive_all("work")
    assert message["Body"] == body
    assert message["MessageAttributes"].items() >= attributes.items()


@pytest.mark.parametrize("queue", ["work", "work-dlq", "undelivered"])
def test_a_message_keeps_the_time_at_which_it_was_sent_first_over_every_restore(
    before: Broker, after: Broker, queue: str
) -> None:
    before.send(queue, "old")
    [message] = before.receive_all(queue)
    sent_at = message["Attributes"]["SentTimestamp"]

    for number, (left, entered) in enumerate([(before, after), (after, before)]):
        save(left.settings)
        left.call("PurgeQueue", queue)
        restore(entered.settings)
        [message] = entered.receive_all(queue)
        assert message["MessageAttributes"]["sent_at_ms"]["StringValue"] == sent_at, number
        assert message["Attributes"]["SentTimestamp"] > sent_at, number


def test_hidden_and_delayed_messages_are_saved_too(before: Broker, after: Broker) -> None:
    before.send("work", "hidden")
    before.receive("work")
    before.send("work", "delayed", DelaySeconds=600)
    before.send("work", "visible")

    save(before.settings)
    restore(after.settings)

    assert sorted(after.bodies("work")) == ["delayed", "hidden", "visible"]


def test_a_message_comes_back_in_its_group_and_what_was_left_of_its_delay_is_its_delay(
    before: Broker, after: Broker
) -> None:
    until = {"DataType": "String", "StringValue": str(round((time.time() + 600) * 1000))}
    before.send("work", "grouped", MessageGroupId="tenant-7")
    before.send("work", "delayed", DelaySeconds=600, MessageAttributes={"delayed_until_ms": until})

    save(before.settings)
    restore(after.settings)

    assert after.counts("work") == (1, 0, 1)
    [grouped] = after.receive_all("work")
    assert (grouped["Body"], grouped["Attributes"]["MessageGroupId"]) == ("grouped", "tenant-7")


def test_a_message_whose_attempts_are_used_up_goes_to_the_dlq_as_sqs_would_move_it(
    before: Broker, after: Broker
) -> None:
    before.send("work", "lost twice", MessageAttributes={"kept": {"DataType": "String", "StringValue": "yes"}})
    before.receive("work", visibility_timeout=0)
    before.receive("work")

    save(before.settings)
    restore(after.settings)

    [message] = after.receive_all("work-dlq")
    assert message["Body"] == "lost twice"
    assert message["MessageAttributes"]["kept"]["StringValue"] == "yes"
    assert after.bodies("work") == []


def test_many_and_large_messages_come_back_all(before: Broker, after: Broker) -> None:
    bodies = [f"{number:02}" for number in range(23)] + [letter * 600_000 for letter in "abc"]
    for body in bodies:
        before.send("work", body)

    assert save(before.settings) == len(bodies)
    assert restore(after.settings) == len(bodies)

    assert sorted(after.bodies("work")) == sorted(bodies)


def test_after_a_restore_nothing_is_left_to_restore(before: Broker, after: Broker) -> None:
    before.send("work", "once")
    save(before.settings)
    restore(after.settings)

    assert not saved_messages_file(after.settings.directory).exists()
    assert restore(after.settings) == 0


def test_what_localstack_still_holds_is_not_sent_again(before: Broker) -> None:
    before.send("work", "once")
    save(before.settings)

    assert restore(before.settings) == 0
    assert before.bodies("work") == ["once"]
    assert not saved_messages_file(before.settings.directory).exists()


def test_empty_queues_leave_no_file(before: Broker) -> None:
    assert save(before.settings) == 0
    assert not saved_messages_file(before.settings.directory).exists()


def test_saving_twice_saves_each_message_once(before: Broker, after: Broker) -> None:
    before.send("work", "once")
    save(before.settings)

    assert save(before.settings) == 1

    restore(after.settings)
    assert after.bodies("work") == ["once"]


def test_what_nobody_restored_is_saved_on(before: Broker, after: Broker, make_broker: Callable[[], Broker]) -> None:
    before.send("work", "first")
    save(before.settings)
    after.send("work", "second")

    assert save(after.settings) == 2

    third = make_broker()
    restore(third.settings)
    assert sorted(third.bodies("work")) == ["first", "second"]


def test_messages_of_a_queue_that_is_gone_stay_saved_and_it_says_so(before: Broker, after: Broker) -> None:
    before.call("CreateQueue", "gone")
    before.send("gone", "kept")
    before.send("work", "sent")
    save(before.settings)
    lines: list[str] = []

    assert restore(after.settings, lines.append) == 1

    [kept] = json.loads(saved_messages_file(after.settings.directory).read_text())["messages"]
    assert (kept["queue"], kept["body"]) == ("gone", "kept")
    assert any("queue gone" in line for line in lines)


def test_both_say_how_many_messages_there_are(before: Broker, after: Broker) -> None:
    before.send("work", "a")
    before.send("work", "b")
    lines: list[str] = []

    save(before.settings, lines.append)
    restore(after.settings, lines.append)

    assert lines == [
        "Saved 2 messages from the queues: the next `make up` brings them back.",
        "Restored 2 saved messages.",
    ]


def test_a_message_that_the_broker_refuses_stays_saved_with_its_reason_told_and_keeps_no_other_back(
    before: Broker, after: Broker
) -> None:
    before.send("work", "long enough")
    before.send("work", "x" * 2000)
    save(before.settings)
    after.call("SetQueueAttributes", "work", Attributes={"MaximumMessageSize": "1024"})

    lines: list[str] = []

    assert restore(after.settings, lines.append) == 1

    assert after.bodies("work") == ["long enough"]
    [kept] = json.loads(saved_messages_file(after.settings.directory).read_text())["messages"]
    assert kept["body"] == "x" * 2000
    assert "LocalStack refuses a saved message of work (" in lines[-1]
    assert "it stays in" in lines[-1]


def test_a_localstack_that_does_not_answer_is_reported_and_nothing_saved_is_lost(
    before: Broker, tmp_path: Path
) -> None:
    before.send("work", "kept")
    save(before.settings)
    saved = saved_messages_file(before.settings.directory).read_bytes()
    unreachable = StackSettings(mode="native", localstack_port=free_port(), directory=tmp_path)

    with pytest.raises(StackError, match=f"http://localhost:{unreachable.localstack_port}"):
        save(unreachable)

    assert saved_messages_file(unreachable.directory).read_bytes() == saved


@pytest.fixture
def silent(localstack_url: str, tmp_path: Path) -> Broker:
    """A broker that does not show its messages, as the stack asks it: by SQS's own API alone."""
    return Broker(localstack_url, tmp_path, brokers.MOTO)


def test_of_a_broker_that_does_not_show_its_messages_they_are_received_and_come_back_as_they_were(
    silent: Broker, after: Broker
) -> None:
    kept = {"kept": {"DataType": "String", "StringValue": "yes"}}
    bodies = [f"{number:02}" for number in range(23)]
    for body in bodies:
        silent.send("work", body, MessageAttributes=kept, MessageGroupId="tenant-7")
    silent.send("undelivered", "dead")

    assert save(silent.settings) == len(bodies) + 1
    assert (silent.counts("work"), silent.counts("undelivered")) == ((0, 0, 0), (0, 0, 0))
    assert restore(after.settings) == len(bodies) + 1

    received = after.receive_all("work")
    assert sorted(message["Body"] for message in received) == bodies
    assert {message["Attributes"]["MessageGroupId"] for message in received} == {"tenant-7"}
    assert all(message["MessageAttributes"].items() >= kept.items() for message in received)
    assert after.bodies("undelivered") == ["dead"]


def test_to_be_received_to_be_saved_is_no_attempt(silent: Broker, after: Broker) -> None:
    silent.send("work", "lost twice")
    silent.receive("work", visibility_timeout=0)
    silent.receive("work", visibility_timeout=0)
    silent.send("work", "lost once")
    assert [message["Body"] for message in silent.receive("work", visibility_timeout=0)] == ["lost once"]

    save(silent.settings)
    restore(after.settings)

    assert after.bodies("work") == ["lost once"]
    assert after.bodies("work-dlq") == ["lost twice"]


def test_what_is_hidden_or_delayed_for_a_moment_is_waited_for_where_the_broker_does_not_show_it(
    silent: Broker, after: Broker
) -> None:
    said: list[str] = []
    silent.send("work", "hidden")
    silent.receive("work", visibility_timeout=1)
    silent.send("work", "delayed", DelaySeconds=1)

    assert save(silent.settings, said.append) == 2

    assert "Waiting for 2 messages hidden for now, or delayed, which moto does not show" in said[0]
    restore(after.settings)
    assert sorted(after.bodies("work")) == ["delayed", "hidden"]


def test_what_is_hidden_for_longer_is_an_error_and_what_could_be_saved_is(silent: Broker, after: Broker) -> None:
    silent.send("work", "hidden")
    silent.receive("work")
    silent.send("work", "visible")

    with pytest.raises(
        StackError, match="1 message saved, and 1 message hidden for now, or delayed, which moto does not show"
    ):
        save(silent.settings, patience_seconds=0)

    assert silent.counts("work") == (0, 1, 0)
    restore(after.settings)
    assert after.bodies("work") == ["visible"]


def test_where_there_is_little_time_what_was_saved_until_then_is_and_the_rest_stays(silent: Broker) -> None:
    for number in range(10 * RECEIVES_TOGETHER + 5):
        silent.send("work", str(number))

    with pytest.raises(StackError, match="100 messages are saved, and there is no time for 5 more"):
        save(silent.settings, most_seconds=0)

    assert silent.counts("work") == (5, 0, 0)


def test_what_was_received_and_cannot_be_written_can_be_received_again(silent: Broker, tmp_path: Path) -> None:
    silent.send("work", "it")
    (tmp_path / "saved-messages.json.unfinished").mkdir()

    with pytest.raises(StackError, match="cannot be written"):
        save(silent.settings)

    assert silent.counts("work") == (1, 0, 0)


def test_of_a_broker_that_keeps_its_messages_they_are_counted_and_stay(localstack_url: str, tmp_path: Path) -> None:
    said: list[str] = []
    keeping = Broker(localstack_url, tmp_path, brokers.FAUXQS)
    keeping.send("work", "hidden")
    keeping.receive("work")
    keeping.send("work", "visible")

    assert save(keeping.settings, said.append) == 2

    assert said == ["fauxqs keeps 2 messages in its queues: `BROKER=fauxqs make up` goes on with them."]
    assert keeping.counts("work") == (1, 1, 0)
    assert not saved_messages_file(tmp_path).exists()
