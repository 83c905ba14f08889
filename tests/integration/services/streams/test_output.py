"""Programs whose output cannot be written: what they do is what they always do, and they say that their log is lost."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from services.queueing.queues import Queues
from services.queues import define_queues
from services.task_types.loading import load_task_types
from stack.ports import free_port
from stack.readiness import http_probe, wait_until_ready
from tests.integration.services.conftest import PATIENCE_SECONDS, Broker, until
from tests.integration.services.running_program import running_program
from tests.service_fixtures import Serve

TASK_PACKAGES = ["services.tasks", "tests.end_to_end.task_types"]
CALCULATION, UNRELIABLE = "/v1/calculation/basic", "/v1/tests/unreliable"
ITEM = {"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 2}

API: Sequence[str] = ("services.api",)
CONSOLE: Sequence[str] = ("services.console",)
CONSUMERS: Sequence[Sequence[str]] = (
    ("services.worker", "calculation"),
    ("services.worker", "unreliable"),
    ("services.worker", "callbacks"),
    ("services.dlq_watcher",),
)
GOOD, FAILING, GONE = 20, 3, 2


@contextmanager
def full_disk() -> Iterator[int]:
    """Where nothing can be written."""
    full = os.open("/dev/full", os.O_WRONLY)
    yield full
    os.close(full)


@contextmanager
def reader_that_is_gone() -> Iterator[int]:
    """A pipe of which nobody has the other end."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@contextmanager
def reader_that_stands_still() -> Iterator[int]:
    """A pipe that is full, whose other end nobody reads."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, bytes(4096))
    os.set_blocking(writing, True)
    yield writing
    os.close(writing)
    os.close(reading)


UNWRITABLE = {
    full_disk: "standard output cannot be written (No space left on device): ",
    reader_that_is_gone: "standard output cannot be written (Broken pipe): ",
    reader_that_stands_still: "standard output cannot be written (nobody reads it): ",
}


@dataclass
class World:
    """A receiver, one that wants no more, and Slack."""

    url: str = ""
    callbacks: list[tuple[str, bool]] = field(default_factory=list)
    """Of each its task, and whether it says that all was done."""
    alerts: list[str] = field(default_factory=list)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def answer(self, request: web.Request) -> web.Response:
        match request.path:
            case "/slack/chat.postMessage":
                async with self._changed:
                    self.alerts.append((await request.json())["text"])
                    self._changed.notify_all()
                return web.json_response({"ok": True, "channel": "#alerts", "ts": "1", "message": {}})
            case "/probe":
                return web.Response()
        outcome = await request.json()
        async with self._changed:
            self.callbacks.append((outcome["task_id"], bool(outcome["results"])))
            self._changed.notify_all()
        return web.Response(status=410 if request.path == "/gone" else 200)

    async def has(self, callbacks: int, alerts: int) -> None:
        """Wait until it has heard so much."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._changed:
            await self._changed.wait_for(lambda: len(self.callbacks) >= callbacks and len(self.alerts) >= alerts)


@pytest.fixture
async def world(serve: Serve) -> AsyncIterator[World]:
    world = World()
    async with serve(world.answer) as url:
        world.url = url
        yield world


@pytest.fixture
async def stage(broker: Broker, world: World, tmp_path: Path) -> AsyncIterator["Stage"]:
    definitions = define_queues(load_task_types(TASK_PACKAGES))
    queues = Queues(broker.client, definitions, name_prefix=broker.environment["queue_name_prefix"])
    with_failing = replace(broker, queues=queues, definitions=definitions)
    for name in ("unreliable-dlq", "unreliable", "single-attempt-dlq", "single-attempt"):
        await with_failing.create(name)
    async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as client:
        yield Stage(with_failing, world, tmp_path, client)


@dataclass
class Stage:
    """Runs programs whose output goes where it is sent."""

    broker: Broker
    world: World
    directory: Path
    http: httpx.AsyncClient

    @asynccontextmanager
    async def running(self, modules: Sequence[Sequence[str]], output: int) -> AsyncIterator[list[str]]:
        """Run them, and give where each listens, by the name of its setting."""
        async with AsyncExitStack() as stack:
            urls = []
            for module in modules:
                ports = {name: str(free_port()) for name in ("API_PORT", "CONSOLE_PORT", "HEALTH_PORT")}
                program = running_program(
                    self.broker, self.directory, module, {**self._settings(), **ports}, logs_to=output, errors_to=output
                )
                await stack.enter_async_context(program)
                port = ports[{API: "API_PORT", CONSOLE: "CONSOLE_PORT"}.get(module, "HEALTH_PORT")]
                url = f"http://127.0.0.1:{port}"
                await asyncio.to_thread(
                    wait_until_ready, module[-1], http_probe(f"{url}/healthcheck"), PATIENCE_SECONDS
                )
                urls.append(url)
            yield urls

    async def submit(self, api: str, route: str, item: dict[str, Any], callback: str = "/callback") -> str:
        """Submit a task, and be answered 200."""
        request = {"callback_url": f"{self.world.url}{callback}", "message": [item]}
        response = await self.http.post(f"{api}{route}", json=request)
        assert response.status_code == 200, response.text
        return str(response.json()["task_id"])

    async def unready_reasons(self, url: str) -> list[str]:
        """Wait until it says that it is not ready, and return why."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (answer := await self.http.get(f"{url}/readyz")).status_code == 200:  # noqa: ASYNC110  # nothing announces it
                await asyncio.sleep(0.1)
        reasons: list[str] = answer.json()["reasons"]
        return reasons

    def _settings(self) -> dict[str, str]:
        return {
            "ALERT_WINDOW_SECONDS": "1",
            "ALLOWED_PRIVATE_TARGETS": "127.0.0.1",
            "LOG_FORMAT": "json",
            "SLACK_API_URL": f"{self.world.url}/slack/",
            "SLACK_BOT_TOKEN": "xoxb-for-tests",
            "SLACK_CHANNEL": "#alerts",
            "SQS_WAIT_TIME_SECONDS": "1",
            "TASK_PACKAGES": ",".join(TASK_PACKAGES),
        }


@pytest.mark.parametrize("unwritable", UNWRITABLE)
async def test_every_outcome_is_heard_once_and_no_alert_is_untrue_where_no_log_can_be_written(
    stage: Stage, unwritable: Any
) -> None:
    fails = {"name": "a", "probe_url": f"{stage.world.url}/probe", "probe_id": "p", "fail_attempts": 99}

    with unwritable() as output:
        async with stage.running([API, *CONSUMERS], output) as urls:
            api = urls[0]
            good = [await stage.submit(api, CALCULATION, ITEM) for _ in range(GOOD)]
            failing = [await stage.submit(api, UNRELIABLE, fails) for _ in range(FAILING)]
            gone = [await stage.submit(api, CALCULATION, ITEM, "/gone") for _ in range(GONE)]
            await stage.world.has(callbacks=GOOD + FAILING + GONE, alerts=1)
            await until(stage.broker, "undelivered", lambda waiting, _in_flight: waiting == GONE)
            for queue in ("calculation", "unreliable", "unreliable-dlq", "callbacks", "callbacks-dlq", "alerts"):
                await until(stage.broker, queue, lambda *left: left == (0, 0))
            reasons = [await stage.unready_reasons(url) for url in urls]

    heard = Counter(stage.world.callbacks)
    assert heard == Counter([(id_, True) for id_ in (*good, *gone)] + [(id_, False) for id_ in failing])
    text = "\n".join(stage.world.alerts)
    assert all(id_ not in text for id_ in good)
    assert len(stage.world.alerts) <= FAILING + GONE
    assert all(any(reason.startswith(UNWRITABLE[unwritable]) for reason in each) for each in reasons), reasons


@pytest.mark.parametrize("unwritable", UNWRITABLE)
async def test_the_console_serves_where_no_log_can_be_written(stage: Stage, unwritable: Any) -> None:
    with unwritable() as output:
        async with stage.running([CONSOLE], output) as [url]:
            page = await stage.http.get(url)
            state = await stage.http.get(f"{url}/api/state")

    assert (page.status_code, state.status_code) == (200, 200)


async def test_a_reader_that_comes_back_gets_what_was_logged_meanwhile(stage: Stage) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, b"\n" * 4096)
    os.set_blocking(writing, True)

    async with stage.running([API], writing) as [api]:
        accepted = [await stage.submit(api, CALCULATION, ITEM) for _ in range(5)]
        await stage.unready_reasons(api)
        os.close(writing)
        log = os.fdopen(reading, "rb", buffering=0)
        text = b""
        while not all(id_.encode() in text for id_ in accepted):
            text += await asyncio.to_thread(log.read, 65_536)
        ready = await stage.http.get(f"{api}/readyz")
        while ready.status_code != 200:
            ready = await stage.http.get(f"{api}/readyz")
    log.close()

    assert ready.json()["reasons"] == []
