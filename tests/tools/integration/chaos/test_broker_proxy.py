"""The fault proxy between the services' own SQS client and a real LocalStack."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from pydantic import HttpUrl

from services.queueing.client import open_sqs
from services.queueing.definition import QueueDefinition
from services.queueing.errors import SqsEntryError
from services.queueing.queue import Queue
from services.queueing.settings import QueueSettings
from tests.chaos.broker_proxy import Answer, BrokerFault, BrokerProxy
from tests.service_fixtures import plain_environment  # noqa: F401  # a fixture


@dataclass
class Setup:
    proxy: BrokerProxy
    url: str
    queue: Queue
    """As a service behind the proxy sees it."""

    async def bodies(self) -> list[str]:
        """Take what is in the queue."""
        messages = await self.queue.receive(10, wait_seconds=1, visibility_timeout_seconds=30)
        return [message.body for message in messages]


@pytest.fixture
async def setup(localstack_url: str) -> AsyncIterator[Setup]:
    proxy = BrokerProxy(localstack_url, Random(1))  # noqa: S311  # repeatable
    async with proxy.serve() as url, queue_at(url) as queue:
        yield Setup(proxy, url, queue)


@asynccontextmanager
async def queue_at(url: str) -> AsyncIterator[Queue]:
    definition = QueueDefinition(uuid4().hex, None, None, None, None, 3600)
    async with open_sqs(QueueSettings(aws_endpoint_url=HttpUrl(url)), longest_wait_seconds=1) as client:
        await client.create_queue(QueueName=definition.name)
        yield Queue(client, definition)


def fault(answer: Answer, *, done: bool, operation: str = "SendMessageBatch") -> BrokerFault:
    return BrokerFault(operation, answer, done, share=1)


async def test_messages_go_through_and_queue_urls_lead_through_the_proxy(setup: Setup) -> None:
    await setup.queue.send("whole")
    assert await setup.bodies() == ["whole"]
    assert (await setup.queue._client.get_queue_url(QueueName=setup.queue.name))["QueueUrl"].startswith(setup.url)  # noqa: SLF001


@pytest.mark.parametrize(("answer", "code"), [("error", "InternalFailure"), ("throttled", "RequestThrottled")])
async def test_the_client_reads_an_error_as_one_of_sqs_and_has_tried_twice(
    setup: Setup, answer: Answer, code: str
) -> None:
    failing = fault(answer, done=False)
    with setup.proxy.failing(failing), pytest.raises(ClientError) as raised:
        await setup.queue.send("not sent")
    assert raised.value.response["Error"]["Code"] == code
    assert setup.proxy.failed[failing] == 2
    assert await setup.bodies() == []


async def test_a_reset_is_a_lost_connection(setup: Setup) -> None:
    with setup.proxy.failing(fault("reset", done=False)), pytest.raises(EndpointConnectionError):
        await setup.queue.send("not sent")
    assert await setup.bodies() == []


async def test_a_message_whose_confirmation_was_lost_is_there_once_for_each_try(setup: Setup) -> None:
    with setup.proxy.failing(fault("reset", done=True)), pytest.raises(EndpointConnectionError):
        await setup.queue.send("sent")
    assert await setup.bodies() == ["sent", "sent"]


@pytest.mark.parametrize(("done", "bodies"), [(True, ["sent"]), (False, [])])
@pytest.mark.parametrize("answer", ["entry refused", "entry unmentioned"])
async def test_an_entry_fails_alone(setup: Setup, answer: Answer, done: bool, bodies: list[str]) -> None:  # noqa: FBT001
    with setup.proxy.failing(fault(answer, done=done)), pytest.raises(SqsEntryError):
        await setup.queue.send("sent")
    assert await setup.bodies() == bodies


async def test_messages_of_a_receive_whose_answer_was_lost_are_hidden_and_come_back(setup: Setup) -> None:
    await setup.queue.send("hidden")
    with (
        setup.proxy.failing(fault("error", done=True, operation="ReceiveMessage")),
        pytest.raises(ClientError),
    ):
        # The second try, which does not wait for messages, is over long before this one shows again.
        await setup.queue.receive(10, wait_seconds=0, visibility_timeout_seconds=6)
    (message,) = await setup.queue.receive(10, wait_seconds=20, visibility_timeout_seconds=30)
    assert (message.body, message.receive_count) == ("hidden", 2)
