"""A worker that is asked to stop is gone in time, whatever SQS and its tasks do; and its last lines are true."""

import asyncio
import json
import signal
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from random import Random
from typing import Any

from aiohttp import web

from services.messages import encode_task
from services.telemetry.log_events import NOT_SETTLED
from stack.ports import free_port
from tests.chaos.broker_proxy import BrokerFault, BrokerProxy
from tests.integration.services.conftest import PATIENCE_SECONDS, Broker
from tests.integration.services.telemetry.logged_program import LoggedProgram, logged_program
from tests.service_fixtures import Serve

WORKER = ("services.worker", "calculation")
# Several times what such a stop takes, and half of what the retries of a silent SQS would.
STOPPED_SECONDS = 60
HOURS = 10_000
SILENCE = BrokerFault("*", "silence", done=False, share=1)


def settings(**others: str) -> dict[str, str]:
    return {
        "TASK_PACKAGES": "tests.integration.services.worker.stubborn_tasks",
        "ALLOWED_PRIVATE_TARGETS": "127.0.0.1",
        "SQS_WAIT_TIME_SECONDS": "1",
        "DRAIN_TIMEOUT_SECONDS": "2",
        "HEALTH_PORT": str(free_port()),
        **others,
    }


def task(callback_url: str, seconds: float, **item: Any) -> str:
    message = json.dumps([{"name": "a", "seconds": seconds, **item}])
    return encode_task("task-1", "calculation", f'{{"callback_url":"{callback_url}/callback","message":{message}}}')


def worker_of(broker: Broker, tmp_path: Path, **others: str) -> AbstractAsyncContextManager[LoggedProgram]:
    return logged_program(broker, tmp_path, WORKER, settings(**others))


async def test_a_worker_stops_in_time_while_sqs_is_silent_and_says_what_may_come_again(
    broker: Broker, tmp_path: Path, serve: Serve
) -> None:
    async def receive(_request: web.Request) -> web.Response:
        return web.Response()

    proxy = BrokerProxy(str(broker.environment["aws_endpoint_url"]).rstrip("/"), Random(1))  # noqa: S311
    async with proxy.serve() as proxy_url, serve(receive) as receiver_url:
        others = {"AWS_ENDPOINT_URL": proxy_url}
        await broker.queues["calculation"].send(task(receiver_url, 1))
        async with worker_of(broker, tmp_path, **others) as worker:
            await broker_has_given(broker)
            with proxy.failing(SILENCE):
                await worker.has_logged("delivered")
                worker.process.send_signal(signal.SIGTERM)
                await asyncio.wait_for(worker.process.wait(), STOPPED_SECONDS)

    events = worker.events()
    assert events[-1] == "stopped"
    assert NOT_SETTLED in events
    assert worker.process.returncode == 0


async def broker_has_given(broker: Broker) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await broker.in_queue("calculation") != (0, 1):  # noqa: ASYNC110  # nothing announces it
            await asyncio.sleep(0.05)


async def test_a_worker_stops_in_time_although_a_task_swallows_every_cancellation(
    broker: Broker, tmp_path: Path, serve: Serve
) -> None:
    heard: list[bytes] = []

    async def receive(request: web.Request) -> web.Response:
        heard.append(await request.read())
        return web.Response()

    async with serve(receive) as receiver_url:
        await broker.queues["calculation"].send(task(receiver_url, HOURS, is_stubborn=True))
        async with worker_of(broker, tmp_path, TASK_TIMEOUT_SECONDS="1") as worker:
            await worker.has_logged("returned for retry")
            worker.process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(worker.process.wait(), STOPPED_SECONDS)

    assert "the task ignores its cancellation, and is left running" in worker.events()
    [returned] = [line for line in worker.lines() if line["event"] == "returned for retry"]
    assert "ignored its cancellation and was left running" in returned["reason"]
    assert worker.process.returncode == 0
    assert heard == []
