"""The console's application, over HTTP, where SQS and the services do not answer."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from aiohttp import web
from fastapi import FastAPI
from pydantic import HttpUrl, SecretStr

from services.console.answers import HEADERS
from services.console.app import MAX_BODY_BYTES, create_app
from services.console.settings import ConsoleSettings, ServiceAddress
from services.task_types.loading import load_task_types
from services.telemetry.redaction import hide_secrets_of
from tests.service_fixtures import Serve

TASK_TYPES = load_task_types(["services.tasks"])
KEY = "a-key-nobody-may-see"


@pytest.fixture
def settings(closed_port: int) -> ConsoleSettings:
    nowhere = HttpUrl(f"http://127.0.0.1:{closed_port}")
    return ConsoleSettings(
        aws_endpoint_url=nowhere,
        console_api_url=nowhere,
        console_inbox_url=HttpUrl("http://localhost:9000"),
        console_services=[ServiceAddress("worker-data", f"http://127.0.0.1:{closed_port}")],
        api_keys=[SecretStr(KEY)],
    )


@pytest.fixture
def app(settings: ConsoleSettings) -> FastAPI:
    hide_secrets_of(settings)
    return create_app(settings, TASK_TYPES)


@pytest.fixture
async def console(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """The console while it runs; what it raises is answered as its server would answer it."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost:8080", timeout=30) as client,
    ):
        yield client


async def test_the_page_and_its_files_are_served_with_the_security_headers(console: httpx.AsyncClient) -> None:
    for path in ("/", "/static/index.html", "/static/web/base.css"):
        response = await console.get(path)
        assert response.status_code == 200, path
        assert {name: response.headers[name] for name in HEADERS} == HEADERS


async def test_the_page_takes_scripts_and_styles_from_the_console_alone(console: httpx.AsyncClient) -> None:
    policy = (await console.get("/")).headers["content-security-policy"]

    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


async def test_the_state_says_what_does_not_answer(console: httpx.AsyncClient) -> None:
    state = (await console.get("/api/state")).json()

    assert {queue["name"] for queue in state["queues"]} >= {"calculation", "data-dlq", "undelivered"}
    assert all("SQS does not answer" in queue["error"] for queue in state["queues"])
    assert [(each["name"], each["alive"], each["error"]) for each in state["services"]] == [
        ("worker-data", False, "connection refused")
    ]
    assert state["series"]["accepted"] == [None]
    assert state["links"]["inbox"] == "http://localhost:9000"


async def test_a_state_is_kept_by_no_cache(console: httpx.AsyncClient) -> None:
    assert (await console.get("/api/state")).headers["cache-control"] == "no-store"


async def test_a_foreign_name_is_refused_with_the_security_headers(console: httpx.AsyncClient) -> None:
    response = await console.get("/api/state", headers={"Host": "evil.example"})

    assert response.status_code == 403
    assert "CONSOLE_ALLOWED_HOSTS" in response.json()["detail"]
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/api/redrive", "/api/submit"])
async def test_another_page_can_change_nothing(console: httpx.AsyncClient, path: str) -> None:
    response = await console.post(path, json={"all": True}, headers={"Sec-Fetch-Site": "cross-site"})

    assert (response.status_code, list(response.json())) == (403, ["detail"])


@pytest.mark.parametrize(
    "request_of",
    [
        ("GET", "/api/dead-letters", None),
        ("GET", "/api/dead-letters/6bc37fc0", None),
        ("POST", "/api/redrive", {"all": True}),
    ],
)
async def test_sqs_that_does_not_answer_is_an_error_that_says_what_to_do(
    console: httpx.AsyncClient, request_of: tuple[str, str, Any]
) -> None:
    method, path, body = request_of
    response = await console.request(method, path, json=body)

    assert response.status_code == 502
    assert "SQS does not answer: is the stack up" in response.json()["detail"]


@pytest.mark.parametrize(
    "request_of", [("GET", "/api/task-types", None), ("POST", "/api/submit", {"route": "/", "request": 1})]
)
async def test_an_api_that_does_not_answer_is_an_error_that_says_what_to_do(
    console: httpx.AsyncClient, request_of: tuple[str, str, Any]
) -> None:
    method, path, body = request_of
    response = await console.request(method, path, json=body)

    assert response.status_code == 502
    assert "CONSOLE_API_URL" in response.json()["detail"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "Say what to redrive"),
        ({"ids": []}, "Say what to redrive"),
        ({"reason": "", "task_type": ""}, "Say what to redrive"),
        ({"queue": "undelivered"}, "Say what to redrive"),
        ({"all": True, "ids": ["m-1"]}, "Say what to redrive"),
        ({"all": True, "reason": "503"}, "Say what to redrive"),
        ({"ids": ["m-1"], "task_type": "data"}, "Say what to redrive"),
        ({"all": True, "queue": "calculation"}, "no queue calculation .* there are calculation-dlq"),
        ({"al": True}, "body.al"),
        ({"ids": "m-1"}, "body.ids"),
    ],
)
async def test_a_redrive_that_says_nothing_or_two_things_is_refused(
    console: httpx.AsyncClient, body: dict[str, Any], says: str
) -> None:
    response = await console.post("/api/redrive", json=body)

    assert response.status_code == 422
    assert re.search(says, response.json()["detail"])


@pytest.mark.parametrize("path", ["/api/dead-letters?limit=0", "/api/dead-letters?queue=calculation"])
async def test_a_look_at_what_is_not_there_is_refused(console: httpx.AsyncClient, path: str) -> None:
    assert (await console.get(path)).status_code == 422


WITH_HEADERS = [
    json.dumps({"route": "/", "request": {}, "headers": headers})
    for headers in (["x"], {"Delay-Seconds": 1}, {"Delay-Seconds": "1\r\nHost: x"}, {"Delay-Seconds": "\u00e9"})
]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1]",
        '{"route": 1, "request": {}}',
        '{"route": "/"}',
        '{"route": "/", "request": {}, "x": 1}',
        *WITH_HEADERS,
    ],
)
async def test_a_task_that_is_no_task_is_refused(console: httpx.AsyncClient, text: str) -> None:
    response = await console.post("/api/submit", content=text, headers={"Content-Type": "application/json"})

    assert (response.status_code, list(response.json())) == (422, ["detail"])


async def test_a_body_larger_than_any_task_is_refused(console: httpx.AsyncClient) -> None:
    response = await console.post(
        "/api/submit", content=b"1" * (MAX_BODY_BYTES + 1), headers={"Content-Type": "application/json"}
    )

    assert response.status_code == 413


async def test_no_secret_is_in_an_answer(settings: ConsoleSettings, serve: Serve) -> None:
    async def answering(_request: web.Request) -> web.Response:
        return web.json_response({"service": "x", "host": KEY, "pid": 1, "started_at": 0, "consumers": []})

    hide_secrets_of(settings)
    async with serve(answering) as url:
        services = [ServiceAddress("worker-data", url)]
        app = create_app(settings.model_copy(update={"console_services": services}), TASK_TYPES)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client,
        ):
            response = await client.get("/api/state")

    assert KEY not in response.text
    assert response.json()["services"][0]["host"] == "***"


async def test_a_bug_shows_no_trace_to_the_client(app: FastAPI, console: httpx.AsyncClient) -> None:
    async def fail() -> None:
        raise RuntimeError("inner workings")

    app.get("/api/buggy")(fail)
    response = await console.get("/api/buggy")

    assert response.status_code == 500
    assert response.json() == {"detail": "The console failed at this request: its log says why."}
    assert {name: response.headers[name] for name in HEADERS} == HEADERS


async def test_an_unknown_path_is_json_too(console: httpx.AsyncClient) -> None:
    response = await console.get("/api/nothing")

    assert (response.status_code, response.json()) == (404, {"detail": "Not Found"})


async def test_of_many_errors_the_first_are_given_and_how_many_more_there_are(console: httpx.AsyncClient) -> None:
    answer = await console.post("/api/redrive", json={f"wrong {number}": 1 for number in range(1000)})

    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("body.wrong 0: Extra inputs are not permitted; ")
    assert answer.json()["detail"].endswith("; and 980 more")
