"""Fixtures for all tests of the services: an environment without surprises, and real HTTP servers on this machine."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx2
import pytest
from aiohttp import web

from services.outbound.http_client import TargetSessions, open_http_client, open_target_sessions
from services.outbound.targets import AllowedTarget, TargetPolicy
from services.telemetry.metrics import REGISTRY
from stack.ports import free_port
from tests.settings_classes import SETTINGS_CLASSES

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Serve(Protocol):
    """Serves every path of a real HTTP server with one handler; gives its URL, without a slash."""

    def __call__(
        self, handler: Handler, *, port: int = 0, max_body_bytes: int = 1_048_576
    ) -> AbstractAsyncContextManager[str]: ...


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the developer's shell, nor a `.env` file, reaches a test."""
    monkeypatch.chdir(tmp_path)
    own = {field.upper() for settings in SETTINGS_CLASSES for field in settings.model_fields}
    for name in [name for name in os.environ if name in own or name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


def measured(name: str, **labels: str) -> float | None:
    """The value of a sample of this process's metrics; all tests share them."""
    return REGISTRY.get_sample_value(name, labels)


@dataclass(frozen=True)
class Growth:
    """By how much samples of this process's metrics have grown since this was made."""

    before: dict[tuple[str, frozenset[tuple[str, str]]], float]

    @classmethod
    def begin(cls) -> "Growth":
        samples = (sample for family in REGISTRY.collect() for sample in family.samples)
        return cls({(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples})

    def of(self, name: str, **labels: str) -> float:
        return (measured(name, **labels) or 0) - self.before.get((name, frozenset(labels.items())), 0)


@contextmanager
def without_collector() -> Iterator[None]:
    """Keep what other tests have left behind from being collected just now, and its calls from being counted."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class EndlessAnswer:
    """A handler that answers 200 and then sends for ever."""

    def __init__(self) -> None:
        self.hung_up = asyncio.Event()
        """Set when the client has gone."""

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(bytes(100_000))
        except ConnectionError:
            self.hung_up.set()
        return response


def policy_of(*allowed: str) -> TargetPolicy:
    """The policy of these entries of ALLOWED_PRIVATE_TARGETS."""
    return TargetPolicy(map(AllowedTarget.parse, allowed))


def allow_servers_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let requests reach what the fixtures below serve, by settings that are read from now on."""
    monkeypatch.setenv("ALLOWED_PRIVATE_TARGETS", "127.0.0.1")


@pytest.fixture
async def sessions() -> AsyncIterator[TargetSessions]:
    """What callbacks are called with: it reaches what the fixtures below serve."""
    async with open_target_sessions(policy=policy_of("127.0.0.1")) as opened:
        yield opened


@pytest.fixture
async def http(sessions: TargetSessions) -> AsyncIterator[httpx2.AsyncClient]:
    """The client that task types have."""
    async with open_http_client(sessions, connect_timeout_seconds=5) as client:
        yield client


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Serve on a free port unless one is given."""
    allow_servers_of_this_machine(monkeypatch)

    @asynccontextmanager
    async def serving(handler: Handler, *, port: int = 0, max_body_bytes: int = 1_048_576) -> AsyncIterator[str]:
        app = web.Application(client_max_size=max_body_bytes)
        app.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            host, its_port = runner.addresses[0][:2]
            yield f"http://{host}:{its_port}"
        finally:
            await runner.cleanup()

    return serving


@pytest.fixture
def closed_port(monkeypatch: pytest.MonkeyPatch) -> int:
    """A port of this machine on which nobody listens."""
    allow_servers_of_this_machine(monkeypatch)
    return free_port()
