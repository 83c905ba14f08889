"""The receiver's application with its lifespan, in process and on a real port."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from receiver.app import create_app
from receiver.server import make_server
from receiver.settings import Settings

Open = Callable[[FastAPI], AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the developer's shell, nor a `.env` file, reaches a test."""
    monkeypatch.chdir(tmp_path)
    for name in ("RECEIVER_HOST", "RECEIVER_PORT", "CALLBACK_SIGNING_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RECEIVER_DATABASE", str(tmp_path / "state" / "receiver.sqlite3"))


@pytest.fixture
def app() -> FastAPI:
    return create_app(Settings())


@pytest.fixture
def open_client() -> Open:
    """Run an application's lifespan and talk to it in process."""

    @asynccontextmanager
    async def opened(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://receiver") as client,
        ):
            yield client

    return opened


@pytest.fixture
async def receiver(app: FastAPI, open_client: Open) -> AsyncIterator[httpx.AsyncClient]:
    async with open_client(app) as client:
        yield client


@pytest.fixture
async def served(app: FastAPI) -> AsyncIterator[str]:
    """The URL of the receiver on a real port; connections wait in its backlog until it has started."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = make_server(app, log_config=None)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    await serving
