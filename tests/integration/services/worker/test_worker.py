"""A worker's two halves on a real LocalStack: the work, and the delivery of what was not taken at once."""

import asyncio
from typing import Any

from aiohttp import web

from services.messages import encode_task
from services.queueing.consumer import Consumer
from services.queueing.decisions import RetryPolicy
from services.runtime.boot import Booted
from services.runtime.resources import Resources, open_resources
from services.settings import Settings
from services.task_types.loading import load_task_types
from services.task_types.task_type import TaskContext, TaskItem, TaskType
from services.worker.__main__ import make_consumers
from services.worker.settings import WorkerSettings
from services.worker.task_handler import TaskHandler
from tests.integration.services.conftest import PATIENCE_SECONDS, Broker, running
from tests.service_fixtures import Serve

TASK_TYPES = load_task_types(["services.tasks"])


class Calculations:
    """A task type in the place of `calculation` that counts its runs."""

    def __init__(self) -> None:
        self.runs = 0
        self.task_type = TaskType(
            name="calculation", route="/", summary="Count", item=TaskItem, run=self._run, example=[], max_attempts=3
        )

    def consumer(self, broker: Broker, resources: Resources, settings: WorkerSettings) -> Consumer:
        """Return what works on the queue of `calculation`, with this task type in its place."""
        handler = TaskHandler(self.task_type, Settings(), resources.http, resources.delivery, settings)
        queue, dead_letter_queue = broker.queues["calculation"], broker.queues["calculation-dlq"]
        return Consumer(queue, dead_letter_queue, handler, RetryPolicy(3, (0,)), settings)

    async def _run(self, _item: TaskItem, _context: TaskContext) -> int:
        self.runs += 1
        return self.runs


def settings_of(broker: Broker, **settings: Any) -> WorkerSettings:
    return WorkerSettings(
        **broker.environment, sqs_wait_time_seconds=1, callback_in_place_retry_seconds=[0, 0], **settings
    )


def request_for(url: str) -> str:
    return f'{{"callback_url":"{url}/callback","message":[{{"name":"a"}}]}}'


async def test_a_receiver_that_is_down_for_all_tries_in_place_hears_later_and_the_work_is_done_once(
    broker: Broker, serve: Serve, closed_port: int
) -> None:
    calculations = Calculations()
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    settings = settings_of(broker, callback_retry_schedule_seconds=[0, 1, 1, 1, 1, 1, 1])

    async def receive(request: web.Request) -> web.Response:
        await heard.put(await request.read())
        return web.Response()

    body = encode_task("id", "calculation", request_for(f"http://127.0.0.1:{closed_port}"))
    await broker.queues["calculation"].send(body)
    async with open_resources(settings, TASK_TYPES) as resources:
        work = calculations.consumer(broker, resources, settings)
        async with running(work, *make_consumers("callbacks", Booted(settings, TASK_TYPES, {}), resources)):
            # It is tried from the queue for the first time while nobody listens, too.
            await broker.requests.reach("SendMessageBatch", 1)
            async with serve(receive, port=closed_port):
                outcome = await asyncio.wait_for(heard.get(), PATIENCE_SECONDS)

    assert outcome == b'{"results":[{"a":1}],"errors":[],"task_id":"id"}'
    assert calculations.runs == 1
    assert heard.empty()
    assert await broker.in_queue("calculation") == await broker.in_queue("callbacks") == (0, 0)


async def test_a_receiver_that_hangs_does_not_keep_the_callbacks_of_others_from_being_delivered(
    broker: Broker, serve: Serve
) -> None:
    calculations = Calculations()
    heard = 0
    all_heard, answered = asyncio.Event(), asyncio.Event()
    tasks = 30

    async def hang(_request: web.Request) -> web.Response:
        await answered.wait()
        return web.Response()

    async def receive(_request: web.Request) -> web.Response:
        nonlocal heard
        heard += 1
        if heard == tasks:
            all_heard.set()
        return web.Response()

    # The hanging receiver is waited for longer than this test has patience.
    settings = settings_of(
        broker, worker_concurrency=10, callback_timeout_seconds=300, callback_read_timeout_seconds=300
    )
    async with serve(hang) as hanging, serve(receive) as good, open_resources(settings, TASK_TYPES) as resources:
        urls = [url for _ in range(tasks) for url in (hanging, good)]
        bodies = [encode_task(str(n), "calculation", request_for(url)) for n, url in enumerate(urls)]
        await asyncio.gather(*(broker.queues["calculation"].send(body) for body in bodies))
        work = calculations.consumer(broker, resources, settings)
        async with running(work):
            await all_heard.wait()
            answered.set()

    assert heard == tasks


async def test_an_outcome_that_nobody_takes_says_how_many_attempts_were_made_in_place_and_from_the_queue(
    broker: Broker, closed_port: int
) -> None:
    calculations = Calculations()
    settings = settings_of(broker, callback_retry_schedule_seconds=[0, 0])
    body = encode_task("id", "calculation", request_for(f"http://127.0.0.1:{closed_port}"))
    await broker.queues["calculation"].send(body)

    async with open_resources(settings, TASK_TYPES) as resources:
        work = calculations.consumer(broker, resources, settings)
        async with running(work, *make_consumers("callbacks", Booted(settings, TASK_TYPES, {}), resources)):
            [dead] = await broker.take("callbacks-dlq")

    assert (dead.attributes["delivery_attempts"], dead.attributes["attempts"]) == ("3", "2")
