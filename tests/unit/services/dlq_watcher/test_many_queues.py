"""A DLQ watcher of a hundred task types: what it decides waits for none of its long polls."""

import asyncio
import json
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import islice
from typing import Any

from aiohttp import web
from pydantic import HttpUrl

from services.dlq_watcher.__main__ import make_components, sqs_connections
from services.dlq_watcher.settings import WatcherSettings
from services.queueing.batcher import MAX_BATCHES_IN_FLIGHT
from services.queueing.client import open_sqs
from services.queueing.message import ReceivedMessage
from services.queueing.polling import MAX_POLLS
from services.queueing.queue import Queue
from services.queueing.queues import Queues
from services.queues import define_queues
from services.runtime.resources import open_resources
from services.task_types.loading import load_task_types
from tests.http_server import serving

CALCULATION = load_task_types(["services.tasks"])["calculation"]
TASK_TYPES = {f"task-{number}": replace(CALCULATION, name=f"task-{number}") for number in range(100)}
CONSUMED = len(TASK_TYPES) + 2
"""The DLQ of each task type, that of `callbacks`, and `alerts`."""
PATIENCE_SECONDS = 60
LAST = 2
MORE_THAN_GO = 10 * MAX_BATCHES_IN_FLIGHT + 5


class HeldPolls:
    """A broker of empty queues that answers no receive before it is let go."""

    def __init__(self) -> None:
        self.held = 0
        self.deleted = 0
        self.all_are_held = asyncio.Event()
        self.let_go = asyncio.Event()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        asked = await request.json()
        match request.headers["x-amz-target"].partition(".")[2]:
            case "GetQueueUrl":
                return web.json_response({"QueueUrl": f"http://{request.host}/{asked['QueueName']}"})
            case "GetQueueAttributes":
                counts = ("", "NotVisible", "Delayed")
                attributes: dict[str, Any] = {f"ApproximateNumberOfMessages{each}": "0" for each in counts}
                return web.json_response({"Attributes": {"QueueArn": "arn", **attributes}})
            case "ReceiveMessage":
                self.held += 1
                if self.held == CONSUMED:
                    self.all_are_held.set()
                await self.let_go.wait()
                return web.json_response({})
            case _:
                self.deleted += len(asked["Entries"])
                return web.json_response({"Successful": [{"Id": entry["Id"]} for entry in asked["Entries"]]})


async def test_deletes_from_a_hundred_queues_wait_for_none_of_the_polls_that_are_held() -> None:
    broker = HeldPolls()
    stop = asyncio.Event()
    async with AsyncExitStack() as stack, asyncio.timeout(PATIENCE_SECONDS):
        url = await stack.enter_async_context(serving(broker.answer))
        settings = WatcherSettings(aws_endpoint_url=HttpUrl(url))
        resources = await stack.enter_async_context(open_resources(settings, TASK_TYPES))
        group = await stack.enter_async_context(asyncio.TaskGroup())
        for component in make_components(settings, TASK_TYPES, resources):
            group.create_task(component.run(stop))
        await broker.all_are_held.wait()

        dlqs = [resources.queues[f"{name}-dlq"] for name in TASK_TYPES]
        await asyncio.gather(*(dlq.delete(ReceivedMessage("id", "body", "handle", 1, 0, {})) for dlq in dlqs))

        assert (broker.deleted, broker.let_go.is_set()) == (len(TASK_TYPES), False)
        stop.set()
        broker.let_go.set()


class HeldCalls:
    """A broker that says where a queue is, and that its receives are bounded; and holds calls when it is to."""

    def __init__(self) -> None:
        self.holds = False
        self.held = 0
        self.news = asyncio.Condition()
        self.let_go = asyncio.Event()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        asked = await request.json()
        if request.headers["x-amz-target"].endswith("GetQueueUrl"):
            return web.json_response({"QueueUrl": f"http://{request.host}/{asked['QueueName']}"})
        if not self.holds:
            return web.json_response({"Attributes": {"RedrivePolicy": json.dumps({"maxReceiveCount": LAST})}})
        async with self.news:
            self.held += 1
            self.news.notify_all()
        await self.let_go.wait()
        return web.json_response({"Successful": [{"Id": each["Id"]} for each in asked.get("Entries", [])]})

    async def hold(self, number: int) -> None:
        """Wait until so many calls are under way."""
        async with self.news:
            await self.news.wait_for(lambda: self.held == number)


def polls_and_settling_of(queue: Queue) -> list[Coroutine[Any, Any, Any]]:
    """As many receives as a consumer makes at a time, and more deletes and changes of visibility than go at a time."""
    messages = [ReceivedMessage("id", "body", "handle", 1, 0, {})] * MORE_THAN_GO
    last = [replace(message, receive_count=LAST) for message in messages]
    return [
        *(queue.receive(10, wait_seconds=20, visibility_timeout_seconds=60) for _ in range(MAX_POLLS)),
        *(queue.delete(message) for message in [*messages, *last]),
        *(queue.change_visibility(message, 60) for message in messages),
    ]


async def test_a_look_at_each_queue_gets_a_connection_while_all_else_that_a_watcher_does_is_under_way() -> None:
    task_types = dict(islice(TASK_TYPES.items(), 3))
    definitions = define_queues(task_types)
    broker = HeldCalls()
    async with AsyncExitStack() as stack, asyncio.timeout(PATIENCE_SECONDS):
        url = await stack.enter_async_context(serving(broker.answer))
        # Each call from the same pool of connections.
        settings = WatcherSettings(aws_endpoint_url=HttpUrl(url), sqs_direct_calls=False)
        client = await stack.enter_async_context(open_sqs(settings, max_connections=sqs_connections(task_types)))
        queues = Queues(client, definitions, name_prefix="")
        consumed = [queue for queue in queues if queue.definition.consumer == "dlq_watcher"]
        sent_to = [queues[name] for name in ("alerts", "undelivered", "callbacks", "callbacks-dlq")]
        await asyncio.gather(*(queue.check() for queue in queues))
        broker.holds = True
        calls = [call for queue in consumed for call in polls_and_settling_of(queue)]
        calls += [queue.send("body") for queue in sent_to for _ in range(MORE_THAN_GO)]

        under_way = [asyncio.create_task(call) for call in calls]
        of_consumer, of_sender = MAX_POLLS + 3 * MAX_BATCHES_IN_FLIGHT, MAX_BATCHES_IN_FLIGHT
        await broker.hold(len(consumed) * of_consumer + len(sent_to) * of_sender)

        under_way += [asyncio.create_task(look()) for queue in queues for look in (queue.check, queue.state)]
        await broker.hold(broker.held + 2 * len(definitions))
        broker.let_go.set()
        await asyncio.gather(*under_way, return_exceptions=True)
