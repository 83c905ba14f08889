"""The console on the queues of a test."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from httpx_sse import aconnect_sse

from services.console.app import create_app
from services.console.server import make_server
from services.console.settings import ConsoleSettings
from services.task_types.loading import load_task_types
from stack.ports import free_port
from stack.readiness import http_probe, wait_until_ready
from tests.integration.services.conftest import PATIENCE_SECONDS, Broker

TASK_TYPES = load_task_types(["services.tasks"])


@dataclass(frozen=True)
class Console:
    """A running console."""

    http: httpx.AsyncClient

    async def state_when(self, is_reached: Callable[[Any], Any]) -> Any:
        """Follow the events until the state is as wanted, and return it."""
        last: Any = None
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                async for last in self.states():
                    if is_reached(last):
                        return last
        except TimeoutError:
            pytest.fail(f"waited {PATIENCE_SECONDS} s in vain; the last state: {last}")
        pytest.fail("the console ended its events")

    async def states(self) -> AsyncIterator[Any]:
        """Every state that is sent, until the console stops."""
        async with aconnect_sse(self.http, "GET", "/api/events") as source:
            async for event in source.aiter_sse():
                assert event.event == "state"
                yield json.loads(event.data)

    async def redrive(self, **wanted: Any) -> Any:
        """Redrive, which must be taken."""
        response = await self.http.post("/api/redrive", json=wanted)
        assert response.status_code == 200, response.text
        return response.json()


@asynccontextmanager
async def running_console(settings: ConsoleSettings) -> AsyncIterator[Console]:
    """A console in this process, on a real port, stopped at the end of the block."""
    server = make_server(create_app(settings, TASK_TYPES), settings)
    serving = asyncio.create_task(server.serve())
    url = f"http://127.0.0.1:{settings.console_port}"
    try:
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS, trust_env=False) as http:
            await asyncio.to_thread(wait_until_ready, "The console", http_probe(f"{url}/healthcheck"), PATIENCE_SECONDS)
            yield Console(http)
    finally:
        server.should_exit = True
        await asyncio.wait_for(serving, PATIENCE_SECONDS)


def console_settings(environment: Mapping[str, Any], **settings: Any) -> ConsoleSettings:
    """Those of a console on the queues that the environment names."""
    return ConsoleSettings(**{**environment, "console_port": free_port(), "console_sample_seconds": 0.5, **settings})


@pytest.fixture
async def console(broker: Broker) -> AsyncIterator[Console]:
    """A console that knows of no services."""
    async with running_console(console_settings(broker.environment)) as running:
        yield running


def queue(state: Any, name: str) -> Any:
    """The row of a queue."""
    return next(row for row in state["queues"] if row["name"] == name)


def service(state: Any, name: str) -> Any:
    """The row of a service that has one instance."""
    [row] = [row for row in state["services"] if row["name"] == name]
    return row
