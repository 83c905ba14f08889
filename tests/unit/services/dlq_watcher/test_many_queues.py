"""A DLQ watcher of a hundred task types: what it decides waits for none of its long polls."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from aiohttp import web
from pydantic import HttpUrl

from services.dlq_watcher.__main__ import make_components, sqs_connections
from services.dlq_watcher.settings import WatcherSettings
from services.queueing.message import ReceivedMessage
from services.runtime.resources import open_resources
from services.task_types.loading import load_task_types
from tests.http_server import serving

CALCULATION = load_task_types(["services.tasks"])["calculation"]
TASK_TYPES = {f"task-{number}": replace(CALCULATION, name=f"task-{number}") for number in range(100)}
CONSUMED = len(TASK_TYPES) + 2
"""The DLQ of each task type, that of `callbacks`, and `alerts`."""
PATIENCE_SECONDS = 60


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


def test_it_may_open_as_many_files_as_it_can_have_requests_under_way() -> None:
    polls_and_settling = CONSUMED * (3 + 3 * 8)
    sends_to_four_queues = 4 * 8
    looks_at_all_queues = 2 * (2 * len(TASK_TYPES) + 4)

    assert sqs_connections(TASK_TYPES) == polls_and_settling + sends_to_four_queues + looks_at_all_queues
