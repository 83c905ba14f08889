"""A queue that nobody works is looked through whole, and holds afterwards what it held."""

from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from stack.broker.api import connect
from stack.brokers import LOCALSTACK, MOTO, Broker
from stack.config import StackSettings
from tests.integration.stack.sqs_account import SqsAccount

MESSAGES = 23


@pytest.mark.parametrize("broker", [LOCALSTACK, MOTO], ids=["shown", "received"])
def test_every_message_is_seen_and_stays_where_it_is(localstack_url: str, tmp_path: Path, broker: Broker) -> None:
    account = str(uuid4().int)[:12]
    queue = SqsAccount(localstack_url, account)
    queue_url = str(queue.call("CreateQueue", "undelivered")["QueueUrl"])
    bodies = [f"{number:02}" for number in range(MESSAGES)]
    for body in bodies:
        queue.send("undelivered", body)
    settings = StackSettings(
        "native",
        localstack_port=urlsplit(localstack_url).port or 0,
        directory=tmp_path,
        broker=broker,
        environment={"AWS_ACCESS_KEY_ID": account},
    )

    with connect(settings) as sqs:
        with sqs.look_through(queue_url) as messages:
            assert sorted(message["Body"] for message in messages) == bodies
        with sqs.look_through(queue_url) as messages:
            assert next(messages)["Body"] in bodies

    assert queue.counts("undelivered") == (MESSAGES, 0, 0)
