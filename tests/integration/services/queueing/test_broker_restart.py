"""The broker is gone, and comes back empty: nobody who uses it has to be restarted, and a person hears of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from pydantic import HttpUrl

from services.api.app import create_app
from services.api.settings import ApiSettings
from services.dlq_watcher.alert import Alert
from services.dlq_watcher.queue_watch import QueueWatch
from services.messages import decode_task
from services.queueing.client import open_sqs
from services.queueing.consumer import Consumer
from services.queueing.decisions import RetryPolicy
from services.queueing.message import ReceivedMessage
from services.queueing.queues import Queues
from services.queueing.samples import QueueSampler
from services.queues import define_queues
from services.runtime.settings import ServiceSettings
from services.task_types.loading import load_task_types
from services.worker.settings import WorkerSettings
from stack.ports import free_port
from tests.integration.conftest import running_localstack
from tests.integration.services.conftest import PATIENCE_SECONDS
from tests.integration.services.console.conftest import console_settings, queue, running_console

TASK_TYPES = load_task_types(["services.tasks"])
REQUEST = {
    "callback_url": "http://receiver/callback",
    "message": [{"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 2}],
}


class Worked:
    """A message handler that notes the tasks it is given."""

    def __init__(self) -> None:
        self._task_ids: set[str] = set()
        self._changed = asyncio.Condition()

    async def __call__(self, message: ReceivedMessage) -> None:
        async with self._changed:
            self._task_ids.add(decode_task(message.body).task_id)
            self._changed.notify_all()

    async def has_had(self, task_id: str) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS), self._changed:
            await self._changed.wait_for(lambda: task_id in self._task_ids)


@asynccontextmanager
async def broker(directory: Path, port: int) -> AsyncIterator[None]:
    """A LocalStack on that port, killed at the end; the loop goes on while it starts."""
    starting = running_localstack(directory, port=port)
    _, readiness = await asyncio.to_thread(starting.__enter__)
    try:
        assert readiness.verdict == "ready", readiness.reason
        yield
    finally:
        await asyncio.to_thread(starting.__exit__, None, None, None)


@asynccontextmanager
async def api_of(settings: ApiSettings) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings, TASK_TYPES)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client,
    ):
        yield client


@asynccontextmanager
async def consuming(settings: WorkerSettings, worked: Worked) -> AsyncIterator[Consumer]:
    """A consumer that runs until the end of the block."""
    async with open_sqs(settings, longest_wait_seconds=settings.sqs_wait_time_seconds) as client:
        queues = Queues(client, define_queues(TASK_TYPES), name_prefix="")
        consumer = Consumer(queues["calculation"], queues["calculation-dlq"], worked, RetryPolicy(3, (0,)), settings)
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(consumer.run(stop))
            yield consumer
            stop.set()
        await queues.close()


async def submit(api: httpx.AsyncClient) -> httpx.Response:
    return await api.post("/v1/calculation/basic", json=REQUEST)


async def accepted(api: httpx.AsyncClient) -> str:
    """Submit until it is accepted."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (response := await submit(api)).status_code != 200:
            pass
    return str(response.json()["task_id"])


async def test_api_and_consumer_outlive_a_broker_that_is_killed_and_comes_back_empty(tmp_path: Path) -> None:
    port = free_port()
    url = HttpUrl(f"http://127.0.0.1:{port}")
    worked = Worked()
    async with (
        api_of(ApiSettings(aws_endpoint_url=url, enqueue_timeout_seconds=1)) as api,
        consuming(WorkerSettings(aws_endpoint_url=url, sqs_wait_time_seconds=1), worked) as consumer,
    ):
        async with broker(tmp_path, port):
            await worked.has_had(await accepted(api))

        assert (await submit(api)).status_code == 500
        readiness = await api.get("/readyz")
        assert readiness.status_code == 503
        assert set(readiness.json()["queues"]) == set(TASK_TYPES)
        assert all("Could not connect" in reason for reason in readiness.json()["queues"].values())
        assert (await api.get("/healthcheck")).status_code == 200

        async with broker(tmp_path, port):
            await worked.has_had(await accepted(api))
            assert consumer.unready_reason() is None
            assert (await api.get("/readyz")).status_code == 200


@asynccontextmanager
async def watching(settings: ServiceSettings, alerts: asyncio.Queue[Alert]) -> AsyncIterator[Queues]:
    """The queues, watched by what alerts of those that are made anew."""
    async with open_sqs(settings) as client:
        queues = Queues(client, define_queues(TASK_TYPES), name_prefix="")
        watch = QueueWatch(QueueSampler(queues, shortest_interval_seconds=0), alerts.put, seconds_between_looks=0.1)
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(watch.run(stop))
            yield queues
            stop.set()
        await queues.close()


async def test_what_a_broker_has_lost_is_reported_once_and_shown_by_the_console(tmp_path: Path) -> None:
    port = free_port()
    url = HttpUrl(f"http://127.0.0.1:{port}")
    alerts: asyncio.Queue[Alert] = asyncio.Queue()
    async with (
        watching(ServiceSettings(aws_endpoint_url=url), alerts) as queues,
        running_console(console_settings({"aws_endpoint_url": url})) as console,
    ):
        async with broker(tmp_path, port):
            await asyncio.gather(*(queues["undelivered"].send(f"{number}") for number in range(3)))
            await queues["data"].send("drained")
            await console.state_when(lambda state: queue(state, "data")["waiting"] == 1)
            [drained] = await queues["data"].receive(1, wait_seconds=5, visibility_timeout_seconds=60)
            await queues["data"].delete(drained)
            before = await console.state_when(
                lambda state: (
                    queue(state, "undelivered")["waiting"] == 3
                    and (queue(state, "data")["waiting"], queue(state, "data")["in_flight"]) == (0, 0)
                )
            )
            assert (before["made_anew"], alerts.empty()) == (None, True)

        async with broker(tmp_path, port):
            async with asyncio.timeout(PATIENCE_SECONDS):
                alert = await alerts.get()
            state = await console.state_when(lambda state: state["made_anew"] and is_whole(state))
            made_anew = state["made_anew"]
            await console.state_when(lambda state: state["at"] > made_anew["at"] + 5)

    assert len(made_anew["queues"]) == len(state["queues"])
    anew = f"{len(made_anew['queues'])} queues were made anew; "
    assert made_anew["text"] == f"{anew}what was in there is gone: 3 messages in undelivered, as last seen"
    assert made_anew["messages"] == 3
    assert alert.headline.startswith(anew)
    assert "3 messages in undelivered" in alert.reason
    assert alerts.empty()


def is_whole(state: Any) -> bool:
    """Whether all queues are there."""
    return not any(each["error"] for each in state["queues"])
