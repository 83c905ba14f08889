"""Queues with names of their own in a real LocalStack, and what looks at them."""

import asyncio
import json
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import pytest
import uvicorn
from pydantic import HttpUrl

from receiver.app import create_app as create_receiver
from receiver.settings import Settings as ReceiverSettings
from services.dead_letters.dead_letter_queues import DeadLetterQueues
from services.primitives.sqs_limits import MAX_MESSAGE_BYTES
from services.queueing.client import open_sqs
from services.queueing.definition import QueueDefinition
from services.queueing.message import ReceivedMessage
from services.queueing.queue import Queue
from services.queueing.queues import Queues
from services.queues import define_queues
from services.runtime.program import Component
from services.task_types.loading import load_task_types
from services.worker.settings import WorkerSettings
from tests.integration.services.watched_calls import note_calls
from tests.jumping_clock import jumping_clock  # noqa: F401  # fixture
from tests.service_fixtures import closed_port, http, plain_environment, serve, sessions  # noqa: F401  # fixtures

if TYPE_CHECKING:
    from types_aiobotocore_sqs.client import SQSClient

PATIENCE_SECONDS = 120
"""How long a test waits for what must happen, before it fails: on a busy machine that may take long."""

LOCALSTACK_ACCOUNT = "000000000000"


@dataclass
class Requests:
    """Counts the requests that a client makes, and waits for them."""

    counts: Counter[str] = field(default_factory=Counter)
    _next: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, operation: str, _parameters: dict[str, Any]) -> None:
        """Count a request."""
        self.counts[operation] += 1
        self._next.set()
        self._next = asyncio.Event()

    async def reach(self, operation: str, count: int) -> None:
        """Wait until so many requests of the operation were made."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.counts[operation] < count:
                await self._next.wait()


@dataclass
class Broker:
    """The queues of one test."""

    client: "SQSClient"
    queues: Queues
    definitions: dict[str, QueueDefinition]
    requests: Requests
    environment: dict[str, Any]
    """The settings with which a program finds these queues."""

    async def create(self, name: str) -> None:
        """Make the queue as the ready hook makes it."""
        queue = self.definitions[name]
        attributes: dict[Any, str] = {
            "MessageRetentionPeriod": str(queue.retention_seconds),
            "MaximumMessageSize": str(MAX_MESSAGE_BYTES),
        }
        if queue.max_attempts is not None:
            attributes["RedrivePolicy"] = self._redrive_policy(queue, queue.max_attempts)
        await self.client.create_queue(QueueName=self.queues[name].name, Attributes=attributes)

    async def allow_attempts(self, name: str, attempts: int) -> None:
        """Change the redrive policy of a queue that exists."""
        await self.set_attributes(name, RedrivePolicy=self._redrive_policy(self.definitions[name], attempts))

    async def set_attributes(self, name: str, **attributes: str) -> None:
        """Change a queue that exists, as its operator may."""
        changed: dict[Any, str] = dict(attributes)
        await self.client.set_queue_attributes(QueueUrl=await self._url(name), Attributes=changed)

    def _redrive_policy(self, queue: QueueDefinition, attempts: int) -> str:
        dead_letter_queue = self.queues[queue.dead_letter_queue or ""].name
        arn = f"arn:aws:sqs:{self.client.meta.region_name}:{LOCALSTACK_ACCOUNT}:{dead_letter_queue}"
        return json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": attempts})

    async def delete(self, name: str) -> None:
        await self.client.delete_queue(QueueUrl=await self._url(name))

    async def purge(self, name: str) -> None:
        """Delete its messages, those in somebody's hands too."""
        await self.client.purge_queue(QueueUrl=await self._url(name))

    async def in_queue(self, name: str) -> tuple[int, int]:
        """How many messages wait, and how many are in somebody's hands."""
        waiting, in_flight = "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"
        attributes = await self._attributes(name, waiting, in_flight)
        return int(attributes[waiting]), int(attributes[in_flight])

    async def take(self, name: str, count: int = 1) -> list[ReceivedMessage]:
        """Wait for so many messages, and take them from the queue."""
        return await take(self.queues[name], count)

    async def _url(self, name: str) -> str:
        return (await self.client.get_queue_url(QueueName=self.queues[name].name))["QueueUrl"]

    async def _attributes(self, name: str, *names: Any) -> dict[str, str]:
        response = await self.client.get_queue_attributes(QueueUrl=await self._url(name), AttributeNames=names)
        return {str(key): value for key, value in response["Attributes"].items()}


async def take(queue: Queue, count: int) -> list[ReceivedMessage]:
    """Wait for so many messages, and take them from the queue."""
    messages: list[ReceivedMessage] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(messages) < count:
            messages += await queue.receive(count - len(messages), wait_seconds=5, visibility_timeout_seconds=60)
    await asyncio.gather(*(queue.delete(message) for message in messages))
    return messages


async def until(broker: Broker, queue: str, reached: Callable[[int, int], bool]) -> None:
    """Wait until `reached` is true of the numbers of the messages that wait in the queue and that are in flight.

    They are to be so twice running: for a moment, a message that is received or given back counts as neither.
    """
    async with asyncio.timeout(PATIENCE_SECONDS):
        times = 0
        while times < 2:
            times = times + 1 if reached(*await broker.in_queue(queue)) else 0
            await asyncio.sleep(0.005)


@asynccontextmanager
async def running(*components: Component) -> AsyncIterator[asyncio.Event]:
    """Run the components of a program; gives the event that stops them, and behind the block they have stopped."""
    stop = asyncio.Event()
    async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
        for component in components:
            group.create_task(component.run(stop))
        try:
            yield stop
        finally:
            stop.set()


@pytest.fixture
def broker_settings(localstack_url: str) -> dict[str, Any]:
    """The settings of queues that no other test has."""
    return {"aws_endpoint_url": HttpUrl(localstack_url), "queue_name_prefix": f"{uuid4().hex[:12]}-"}


@pytest.fixture
async def unprovisioned(broker_settings: dict[str, Any]) -> AsyncIterator[Broker]:
    """The queues of the project's task types, none of which has been made."""
    definitions = define_queues(load_task_types(["services.tasks"]))
    settings = WorkerSettings(**broker_settings)
    async with open_sqs(settings, longest_wait_seconds=5) as client:
        requests = Requests()
        note_calls(client, requests.note)
        queues = Queues(client, definitions, name_prefix=settings.queue_name_prefix)
        yield Broker(client, queues, definitions, requests, broker_settings)
        await queues.close()


@pytest.fixture
async def broker(unprovisioned: Broker) -> Broker:
    """The queues of the project's task types."""
    queues = unprovisioned.definitions.values()
    # A redrive policy needs the queue that it names.
    await asyncio.gather(*(unprovisioned.create(queue.name) for queue in queues if queue.max_attempts is None))
    await asyncio.gather(*(unprovisioned.create(queue.name) for queue in queues if queue.max_attempts is not None))
    unprovisioned.requests.counts.clear()
    return unprovisioned


@pytest.fixture
async def slack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The receiver's stand-in for Slack on a real port."""
    monkeypatch.setenv("RECEIVER_DATABASE", str(tmp_path / "receiver.sqlite3"))
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_receiver(ReceiverSettings()), ws="none", log_config=None))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS) as client:
        yield client
    server.should_exit = True
    await serving


@pytest.fixture
def dead_letter_queues(broker: Broker) -> DeadLetterQueues:
    return DeadLetterQueues(broker.client, broker.queues, broker.definitions, asyncio.Event())
