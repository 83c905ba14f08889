"""A worker that was suspended for longer than the visibility timeout: one outcome is heard, whoever delivers it."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from services.messages import encode_task
from services.telemetry.log_events import DROPPED
from stack.ports import free_port
from tests.integration.services.conftest import PATIENCE_SECONDS, Broker
from tests.integration.services.cost import BrokerLog
from tests.integration.services.telemetry.logged_program import LoggedProgram, logged_program
from tests.service_fixtures import Serve

VISIBILITY_TIMEOUT_SECONDS = 4
WAIT_SECONDS = 2


@dataclass
class Site:
    """What the workers call: the source of the task's item, which holds its first caller, and the callback."""

    url: str = ""
    outcomes: "asyncio.Queue[dict[str, Any]]" = field(default_factory=asyncio.Queue)
    asked: int = 0
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    _has_asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.Response:
        if request.path == "/callback":
            await self.outcomes.put(await request.json())
            return web.Response()
        self.asked += 1
        self._has_asked.set()
        if self.asked == 1:
            await self.let_go.wait()
        return web.Response(text="fetched")

    async def was_asked(self) -> None:
        await asyncio.wait_for(self._has_asked.wait(), PATIENCE_SECONDS)

    async def outcome(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.outcomes.get(), PATIENCE_SECONDS)

    def task(self, task_type: str) -> str:
        request = {"callback_url": f"{self.url}/callback", "message": [{"name": "it", "url": f"{self.url}/source"}]}
        return encode_task("task-1", task_type, json.dumps(request))


@pytest.fixture
async def site(serve: Serve) -> AsyncIterator[Site]:
    site = Site()
    async with serve(site.answer) as site.url:
        yield site
        site.let_go.set()


def program(broker: Broker, tmp_path: Path, *module: str) -> AbstractAsyncContextManager[LoggedProgram]:
    settings = {
        "TASK_PACKAGES": "tests.integration.services.worker.held_tasks",
        "ALLOWED_PRIVATE_TARGETS": "127.0.0.1",
        "SQS_WAIT_TIME_SECONDS": str(WAIT_SECONDS),
        "VISIBILITY_TIMEOUT_SECONDS": str(VISIBILITY_TIMEOUT_SECONDS),
        "HEARTBEAT_SECONDS": "1",
        "HEALTH_PORT": str(free_port()),
    }
    return logged_program(broker, tmp_path, module, settings)


@asynccontextmanager
async def suspended(program: LoggedProgram) -> AsyncIterator[None]:
    """Let the process run no further inside the block."""
    program.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        program.process.send_signal(signal.SIGCONT)


async def test_another_worker_that_was_given_the_message_delivers_and_the_suspended_one_does_not(
    broker: Broker, tmp_path: Path, site: Site
) -> None:
    worker = ("services.worker", "calculation")
    await broker.queues["calculation"].send(site.task("calculation"))
    async with program(broker, tmp_path, *worker) as first:
        await site.was_asked()
        async with suspended(first), program(broker, tmp_path, *worker) as other:
            outcome = await site.outcome()
            await other.has_logged("delivered")
        site.let_go.set()
        await first.has_logged(DROPPED)

    assert outcome["results"] == [{"it": "fetched"}]
    assert site.outcomes.empty()
    assert await broker.in_queue("calculation") == (0, 0)


async def test_what_was_reported_as_lost_meanwhile_is_not_delivered_as_well(
    broker: Broker, tmp_path: Path, site: Site
) -> None:
    worker = ("services.worker", "data")
    await broker.queues["data"].send(site.task("data"))
    async with program(broker, tmp_path, "services.dlq_watcher"), program(broker, tmp_path, *worker) as first:
        await site.was_asked()
        # SQS moves a message that was received as often as it may when somebody asks for the next.
        async with suspended(first), program(broker, tmp_path, *worker):
            outcome = await site.outcome()
        site.let_go.set()
        await first.has_logged(DROPPED)

    assert "no worker reported back" in outcome["errors"][0]["details"]
    assert site.outcomes.empty()
    assert site.asked == 1


async def test_what_an_idle_worker_was_given_while_it_was_suspended_is_not_begun_when_others_have_it(
    broker: Broker, tmp_path: Path, localstack_directory: Path, site: Site
) -> None:
    worker = ("services.worker", "calculation")
    site.let_go.set()
    broker_log = BrokerLog(localstack_directory)
    await broker.queues["calculation"].send(site.task("calculation"))
    async with program(broker, tmp_path, *worker) as first:
        await site.outcome()
        # By now its next long poll is under way, which SQS answers although nobody reads the answer.
        await broker_log.reach("DeleteMessageBatch", 1)
        async with suspended(first):
            await broker.queues["calculation"].send(site.task("calculation"))
            async with program(broker, tmp_path, *worker) as other:
                await site.outcome()
                await other.has_logged("delivered")
            await asyncio.sleep(WAIT_SECONDS)

    assert site.asked == 1 + 1
    assert site.outcomes.empty()
