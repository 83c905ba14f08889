"""The API as the console calls it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pydantic import HttpUrl, SecretStr

from services.api.app import create_app
from services.api.settings import ApiSettings
from services.console.api_client import Api, ApiError, NoTaskRouteError, UnknownHeaderError
from services.console.settings import ConsoleSettings
from services.primitives import exact_json
from services.task_types.loading import load_task_types
from tests.service_fixtures import Serve

DOCUMENT = create_app(ApiSettings(), load_task_types(["services.tasks"])).openapi()
CALCULATION = "/v1/calculation/basic"


class FakeApi:
    """Has the API's document, and keeps what it is sent."""

    def __init__(self, answer: web.Response | None = None) -> None:
        self.requests: list[tuple[str, str, bytes, Any]] = []
        self._answer = answer

    async def answer(self, request: web.Request) -> web.Response:
        if request.path == "/openapi.json":
            return web.json_response(DOCUMENT)
        self.requests.append((request.method, request.path, await request.read(), request.headers))
        return self._answer or web.json_response({"task_id": "t-1"})


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def calling(http: aiohttp.ClientSession, url: str, **settings: Any) -> Api:
    return Api(http, ConsoleSettings(console_api_url=HttpUrl(url), **settings), {})


async def test_a_task_goes_to_its_route_with_numbers_to_the_digit(serve: Serve, http: aiohttp.ClientSession) -> None:
    fake = FakeApi()
    async with serve(fake.answer) as url:
        answered = await calling(http, url).submit(CALCULATION, exact_json.loads('{"num_1": 0.877666663555222222}'))

    assert answered == (200, {"task_id": "t-1"})
    [(method, path, body, headers)] = fake.requests
    assert (method, path, body) == ("POST", CALCULATION, b'{"num_1":0.877666663555222222}')
    assert headers["Content-Type"] == "application/json"
    assert "X-API-Key" not in headers


async def test_the_headers_of_a_task_go_with_it(serve: Serve, http: aiohttp.ClientSession) -> None:
    fake = FakeApi()
    async with serve(fake.answer) as url:
        await calling(http, url).submit(CALCULATION, {}, {"Message-Group-Id": "tenant-7", "Delay-Seconds": "30"})

    sent = fake.requests[0][3]
    assert (sent["Message-Group-Id"], sent["Delay-Seconds"]) == ("tenant-7", "30")


@pytest.mark.parametrize("header", ["X-API-Key", "Host", "delay-seconds"])
async def test_no_other_header_is_passed_on(serve: Serve, http: aiohttp.ClientSession, header: str) -> None:
    fake = FakeApi()
    async with serve(fake.answer) as url:
        with pytest.raises(
            UnknownHeaderError, match=f"no header {header}: there are Idempotency-Key, Message-Group-Id"
        ):
            await calling(http, url).submit(CALCULATION, {}, {header: "x"})

    assert fake.requests == []


async def test_it_sends_the_first_of_the_keys(serve: Serve, http: aiohttp.ClientSession) -> None:
    fake = FakeApi()
    keys = [SecretStr("first-key-of-several"), SecretStr("second-key-of-several")]
    async with serve(fake.answer) as url:
        await calling(http, url, api_keys=keys).submit(CALCULATION, {})

    assert fake.requests[0][3]["X-API-Key"] == "first-key-of-several"


async def test_a_refusal_of_the_api_is_passed_on(serve: Serve, http: aiohttp.ClientSession) -> None:
    refusal = web.json_response({"detail": "Overloaded"}, status=503)
    async with serve(FakeApi(refusal).answer) as url:
        assert await calling(http, url).submit(CALCULATION, {}) == (503, {"detail": "Overloaded"})


async def test_an_answer_that_is_no_json_is_passed_on_as_text(serve: Serve, http: aiohttp.ClientSession) -> None:
    async with serve(FakeApi(web.Response(text="Bad Gateway", status=502)).answer) as url:
        assert await calling(http, url).submit(CALCULATION, {}) == (502, "Bad Gateway")


async def test_a_redirect_is_not_followed(serve: Serve, http: aiohttp.ClientSession) -> None:
    elsewhere = web.Response(status=307, headers={"Location": "/elsewhere"})
    fake = FakeApi(elsewhere)
    async with serve(fake.answer) as url:
        status, _body = await calling(http, url).submit(CALCULATION, {})

    assert (status, len(fake.requests)) == (307, 1)


@pytest.mark.parametrize("route", ["/healthcheck", "", "//evil.example/", "@evil.example", f"{CALCULATION}/../../x"])
async def test_nothing_is_passed_on_to_what_is_no_route_of_a_task(
    serve: Serve, http: aiohttp.ClientSession, route: str
) -> None:
    fake = FakeApi()
    async with serve(fake.answer) as url:
        with pytest.raises(NoTaskRouteError, match=CALCULATION):
            await calling(http, url).submit(route, {})

    assert fake.requests == []


async def test_an_api_that_does_not_answer_is_named_with_the_setting(
    http: aiohttp.ClientSession, closed_port: int
) -> None:
    url = f"http://127.0.0.1:{closed_port}"
    with pytest.raises(ApiError, match=rf"{url} \(connection refused\).*CONSOLE_API_URL"):
        await calling(http, url).task_types()


@pytest.mark.parametrize("body", ["no json", json.dumps({"paths": None}), "[]"])
async def test_what_is_not_the_api_is_reported_as_such(serve: Serve, http: aiohttp.ClientSession, body: str) -> None:
    async def other(_request: web.Request) -> web.Response:
        return web.Response(text=body)

    async with serve(other) as url:
        with pytest.raises(ApiError, match=r"is CONSOLE_API_URL the API's\?"):
            await calling(http, url).task_types()
