"""The API's function URL at the API's port: requests and answers go through as they are."""

import gzip
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from aiohttp import web

from stack.functions.front_door import FrontDoor

URL = "http://abc.lambda-url.us-east-1.127.0.0.1:4566/"


class Behind:
    """What stands in LocalStack's place: it notes each request, and answers as it is told."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.status, self.headers, self.body = 200, {"Content-Type": "application/json"}, b"{}"

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.requests.append((request.method, request.raw_path, dict(request.headers), body))
        return web.Response(status=self.status, headers=self.headers, body=self.body)


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
async def behind() -> AsyncIterator[tuple[Behind, str]]:
    stand_in = Behind()
    app = web.Application(client_max_size=10_000_000)
    app.router.add_route("*", "/{path:.*}", stand_in.answer)
    async with served(app) as url:
        yield stand_in, url


def door_to(url: str, directory: Path, function_url: str | None = URL) -> AbstractAsyncContextManager[str]:
    file = directory / "function-url"
    if function_url is not None:
        file.write_text(function_url)
    return served(FrontDoor(url, file).application())


async def test_a_request_is_passed_on_with_the_host_of_the_function_url(
    behind: tuple[Behind, str], tmp_path: Path
) -> None:
    stand_in, url = behind

    async with door_to(url, tmp_path) as door, httpx.AsyncClient() as client:
        await client.post(
            f"{door}/v1/a%2Fb?x=%20y&x=%C3%A4",
            content=b'{"n": 1.00}',
            headers={"X-API-Key": "k", "Connection": "close"},
        )

    [(method, path, headers, body)] = stand_in.requests
    assert (method, path, body) == ("POST", "/v1/a%2Fb?x=%20y&x=%C3%A4", b'{"n": 1.00}')
    assert headers["Host"] == "abc.lambda-url.us-east-1.127.0.0.1:4566"
    assert headers["X-API-Key"] == "k"
    assert headers.get("Connection") != "close"


async def test_an_answer_comes_back_as_it_is(behind: tuple[Behind, str], tmp_path: Path) -> None:
    stand_in, url = behind
    stand_in.status, stand_in.body = 422, gzip.compress(b'{"detail": "no"}')
    stand_in.headers = {"Content-Type": "application/json", "Content-Encoding": "gzip", "Retry-After": "1"}

    async with door_to(url, tmp_path) as door, httpx.AsyncClient() as client:
        answer = await client.get(f"{door}/")

    assert (answer.status_code, answer.json(), answer.headers["retry-after"]) == (422, {"detail": "no"}, "1")


async def test_a_redirect_is_the_clients_to_follow(behind: tuple[Behind, str], tmp_path: Path) -> None:
    stand_in, url = behind
    stand_in.status, stand_in.headers = 307, {"Location": "/elsewhere"}

    async with door_to(url, tmp_path) as door, httpx.AsyncClient() as client:
        answer = await client.get(f"{door}/")

    assert (answer.status_code, answer.headers["location"], len(stand_in.requests)) == (307, "/elsewhere", 1)


async def test_a_body_of_megabytes_is_passed_on_for_the_api_to_refuse(
    behind: tuple[Behind, str], tmp_path: Path
) -> None:
    stand_in, url = behind

    async with door_to(url, tmp_path) as door, httpx.AsyncClient() as client:
        await client.post(f"{door}/", content=b"x" * 3_000_000)

    assert len(stand_in.requests[0][3]) == 3_000_000


async def test_a_head_request_has_no_body_in_its_answer(behind: tuple[Behind, str], tmp_path: Path) -> None:
    _, url = behind

    async with door_to(url, tmp_path) as door, httpx.AsyncClient() as client:
        answer = await client.head(f"{door}/docs")
        assert (answer.status_code, answer.content) == (200, b"")
        assert (await client.get(f"{door}/docs")).content == b"{}"


async def test_before_the_function_is_deployed_the_answer_says_what_to_do(
    behind: tuple[Behind, str], tmp_path: Path
) -> None:
    _, url = behind

    async with door_to(url, tmp_path, function_url=None) as door, httpx.AsyncClient() as client:
        answer = await client.get(f"{door}/readyz")

    assert (answer.status_code, "make up" in answer.json()["detail"]) == (503, True)


async def test_a_localstack_that_is_gone_is_a_502(tmp_path: Path) -> None:
    async with served(web.Application()) as gone:
        pass

    async with door_to(gone, tmp_path) as door, httpx.AsyncClient() as client:
        answer = await client.get(f"{door}/readyz")

    assert (answer.status_code, "LocalStack does not answer" in answer.json()["detail"]) == (502, True)
