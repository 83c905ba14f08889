"""HEAD wherever GET is answered, and no redirect to whatever Host says: on the API, the receiver and the console."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from pydantic import HttpUrl

from receiver.app import create_app as create_receiver
from receiver.server import make_server
from receiver.settings import Settings as ReceiverSettings
from services.api.app import create_app as create_api
from services.api.settings import ApiSettings
from services.console.app import create_app as create_console
from services.console.settings import ConsoleSettings
from services.task_types.loading import load_task_types

TASK_TYPES = load_task_types(["services.tasks"])
PAGES = {
    "api": ["/", "/docs", "/redoc", "/openapi.json", "/healthcheck", "/static-offline-docs/swagger-ui.css"],
    "receiver": ["/", "/docs", "/healthcheck", "/callbacks", "/source", "/static/page.js"],
    "console": ["/", "/healthcheck", "/static/main.js"],
}
SLASHED = {
    "api": ["/v1/calculation/basic/", "/docs/", "/healthcheck/", "/static-offline-docs"],
    "receiver": ["/callback/", "/callbacks/", "/static"],
    "console": ["/healthcheck/", "/api/state/", "/static"],
}


@pytest.fixture
def apps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, FastAPI]:
    monkeypatch.chdir(tmp_path)
    nowhere = HttpUrl("http://127.0.0.1:9")
    return {
        "api": create_api(ApiSettings(), TASK_TYPES),
        "receiver": create_receiver(ReceiverSettings(receiver_database=tmp_path / "receiver.sqlite3")),
        "console": create_console(ConsoleSettings(aws_endpoint_url=nowhere, console_api_url=nowhere), TASK_TYPES),
    }


@asynccontextmanager
async def client_of(name: str, app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with AsyncExitStack() as stack:
        if name == "receiver":
            await stack.enter_async_context(app.router.lifespan_context(app))
        transport = httpx.ASGITransport(app)
        yield await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://localhost"))


@pytest.mark.parametrize(("name", "path"), [(name, path) for name, paths in PAGES.items() for path in paths])
async def test_head_is_answered_as_get_without_the_content(apps: dict[str, FastAPI], name: str, path: str) -> None:
    async with client_of(name, apps[name]) as client:
        got, head = await client.get(path), await client.head(path)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == got.headers


async def test_head_is_refused_where_get_is(apps: dict[str, FastAPI]) -> None:
    async with client_of("api", apps["api"]) as api:
        assert (await api.head("/v1/calculation/basic")).status_code == 405
        assert (await api.head("/nowhere")).status_code == 404


async def test_head_of_a_stream_without_end_is_answered_at_once(apps: dict[str, FastAPI]) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    server = make_server(apps["receiver"], log_config=None)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=60) as client:
        for _ in range(2):
            head = await client.head("/events")
            assert (head.status_code, head.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    server.should_exit = True
    await serving


@pytest.mark.parametrize("host", ["localhost", "evil.example"])
@pytest.mark.parametrize(("name", "path"), [(name, path) for name, paths in SLASHED.items() for path in paths])
async def test_no_answer_sends_the_client_to_whatever_host_it_named(
    apps: dict[str, FastAPI], name: str, path: str, host: str
) -> None:
    async with client_of(name, apps[name]) as client:
        for method in ("GET", "POST"):
            answer = await client.request(method, path, headers={"Host": host, "Content-Type": "application/json"})
            assert answer.status_code in {403, 404, 405}
            assert "location" not in answer.headers
