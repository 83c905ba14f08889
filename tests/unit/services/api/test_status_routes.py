"""What the API says of itself."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import httpx
import pytest
from fastapi import FastAPI

from services.api.app import create_app
from services.api.settings import ApiSettings
from services.task_types.loading import load_task_types
from tests.unread_output import UnreadOutput

TASK_TYPES = load_task_types(["services.tasks"])


class FakeTaskQueue:
    """Answers, fails, or does not answer."""

    def __init__(self, error: Exception | None = None, *, hangs: bool = False, notes: Sequence[str] = ()) -> None:
        self._error = error
        self._hangs = hangs
        self._notes = list(notes)

    async def check(self) -> list[str]:
        if self._hangs:
            await asyncio.Event().wait()
        if self._error:
            raise self._error
        return self._notes


@pytest.fixture
def app() -> FastAPI:
    return create_app(ApiSettings(), TASK_TYPES)


@pytest.fixture
async def api(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client:
        yield client


async def test_the_root_points_to_the_documentation(api: httpx.AsyncClient) -> None:
    response = await api.get("/")

    assert response.status_code == 200
    assert response.json() == {
        "service_info": "Async tasks: post a task, hear its outcome at your callback",
        "documentation_swagger": "http://api/docs",
        "documentation_redoc": "http://api/redoc",
    }


async def test_it_is_ready_when_every_queue_answers(api: httpx.AsyncClient, app: FastAPI) -> None:
    app.state.task_queues = {"calculation": FakeTaskQueue(), "data": FakeTaskQueue()}

    response = await api.get("/readyz")

    assert response.status_code == 200
    assert response.json() == {"state": "ready", "queues": {"calculation": "ok", "data": "ok"}, "reasons": []}


async def test_it_is_not_ready_when_a_queue_fails_or_does_not_answer(api: httpx.AsyncClient, app: FastAPI) -> None:
    app.state.check_timeout_seconds = 0.01
    app.state.task_queues = {
        "calculation": FakeTaskQueue(ConnectionError("refused")),
        "data": FakeTaskQueue(),
        "other": FakeTaskQueue(hangs=True),
    }

    response = await api.get("/readyz")

    assert response.status_code == 503
    assert response.json() == {
        "state": "unready",
        "queues": {
            "calculation": "ConnectionError: refused",
            "data": "ok",
            "other": "no answer within 0.01 seconds",
        },
        "reasons": [],
    }


async def test_it_is_not_ready_when_its_log_cannot_be_written(
    api: httpx.AsyncClient, app: FastAPI, unread_output: UnreadOutput
) -> None:
    app.state.task_queues = {"calculation": FakeTaskQueue()}
    unread_output.write_line("x" * 100_000)

    response = await api.get("/readyz")

    assert response.status_code == 503
    assert response.json() == {
        "state": "unready",
        "queues": {"calculation": "ok"},
        "reasons": ["standard output cannot be written (nobody reads it): 1 lines wait, 0 are lost"],
    }


async def test_it_is_ready_and_says_what_is_amiss_where_a_queue_answers_and_is_not_as_declared(
    api: httpx.AsyncClient, app: FastAPI
) -> None:
    app.state.task_queues = {"calculation": FakeTaskQueue(notes=["one thing", "another"]), "data": FakeTaskQueue()}

    response = await api.get("/readyz")

    assert response.status_code == 200
    assert response.json() == {
        "state": "ready",
        "queues": {"calculation": "one thing; another", "data": "ok"},
        "reasons": [],
    }


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
async def test_the_documentation_is_served(api: httpx.AsyncClient, page: str) -> None:
    response = await api.get(page)

    assert response.status_code == 200
    assert "/openapi.json" in response.text


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
async def test_the_documentation_needs_no_other_site(api: httpx.AsyncClient, page: str) -> None:
    text = (await api.get(page)).text

    assert 'src="http' not in text
    assert 'rel="stylesheet" href="http' not in text
