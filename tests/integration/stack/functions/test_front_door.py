"""The API's function URL at the API's port: each request becomes an event that invokes the function."""

import asyncio
import base64
import gzip
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from aiohttp import web

from stack.functions.front_door import (
    LARGEST_BODY_BYTES,
    MOST_AT_A_TIME,
    FrontDoor,
    make_server,
    open_lambda,
)
from web.http_protocol import BoundedHttpProtocol

FUNCTION = "tasks-api"
HOST = "localhost:8000"
INVOKED = f"/2015-03-31/functions/{FUNCTION}/invocations"
PATHS = ["/", "/readyz", "/v1/a%2Fb", "/_localstack/health", "/_aws/sqs/messages", "//other", "/@other/x", "/a/../b"]


class Lambda:
    """What stands in LocalStack's place: it notes each event, and answers as it is told."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.answer: Any = {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": "{}"}
        self.under_way = self.most_under_way = 0
        self.awaited = 1
        """So many invocations are under way before one is answered."""
        self._are_there = asyncio.Event()

    async def invoke(self, request: web.Request) -> web.Response:
        assert request.raw_path == INVOKED
        self.events.append(await request.json())
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        if self.under_way >= self.awaited:
            self._are_there.set()
        await self._are_there.wait()
        self.under_way -= 1
        return web.json_response(self.answer, status=self.status, headers=self.headers)


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.fixture
async def behind() -> AsyncIterator[tuple[Lambda, str]]:
    stand_in = Lambda()
    app = web.Application(client_max_size=2 * LARGEST_BODY_BYTES)
    app.router.add_post("/{path:.*}", stand_in.invoke)
    async with served(app) as url:
        yield stand_in, url


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def door_to(url: str) -> AsyncIterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    async with open_lambda(url) as lambda_client:
        server = make_server(FrontDoor(lambda_client, FUNCTION, HOST), 0)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


@pytest.fixture
async def door(behind: tuple[Lambda, str]) -> AsyncIterator[str]:
    async with door_to(behind[1]) as url:
        yield url


@pytest.fixture
def function(behind: tuple[Lambda, str]) -> Lambda:
    return behind[0]


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        yield client


async def answer_to(door: str, request: bytes) -> bytes:
    """Send what no client library would, and return all that comes until the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(door).port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


async def test_a_request_becomes_an_event_of_the_function(
    function: Lambda, door: str, client: httpx.AsyncClient
) -> None:
    await client.post(
        f"{door}/v1/a?x=%20y&x=%C3%A4",
        content=b'{"n": 1.00}',
        headers=[("X-API-Key", "k"), ("Accept", "a/b"), ("Accept", "c/d"), ("Connection", "close")],
    )

    [event] = function.events
    assert (event["version"], event["rawPath"], event["rawQueryString"]) == ("2.0", "/v1/a", "x=%20y&x=%C3%A4")
    assert event["requestContext"]["http"]["method"] == "POST"
    assert (event["body"], event["isBase64Encoded"]) == ('{"n": 1.00}', False)
    headers = event["headers"]
    assert (headers["x-api-key"], headers["accept"], "connection" in headers) == ("k", "a/b,c/d", False)


async def test_the_function_is_told_the_address_that_a_browser_finds_it_at(
    function: Lambda, door: str, client: httpx.AsyncClient
) -> None:
    await client.get(f"{door}/", headers={"Host": "other:81", "X-Forwarded-Proto": "https"})

    headers = function.events[0]["headers"]
    assert (headers["host"], headers["x-forwarded-proto"]) == (HOST, "http")


@pytest.mark.parametrize("path", PATHS)
async def test_every_path_is_the_functions(function: Lambda, door: str, path: str) -> None:
    await answer_to(door, b"GET %s HTTP/1.1\r\nHost: door\r\nConnection: close\r\n\r\n" % path.encode())

    assert function.events[0]["rawPath"] == path


async def test_a_target_that_is_a_url_leads_to_the_function_too(function: Lambda, door: str) -> None:
    await answer_to(door, b"GET http://other:81/x HTTP/1.1\r\nHost: door\r\nConnection: close\r\n\r\n")

    assert (function.events[0]["rawPath"], function.events[0]["headers"]["host"]) == ("/x", HOST)


@pytest.mark.parametrize("body", [gzip.compress(b"{}"), b"{}"], ids=["gzip", "plain"])
async def test_a_body_that_is_said_to_be_compressed_comes_as_it_was_sent(
    function: Lambda, door: str, client: httpx.AsyncClient, body: bytes
) -> None:
    await client.post(door, content=body, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})

    [event] = function.events
    assert event["headers"]["content-encoding"] == "gzip"
    assert (base64.b64decode(event["body"]) if event["isBase64Encoded"] else event["body"].encode()) == body


async def test_what_is_no_http_is_refused_as_the_api_does(function: Lambda, door: str) -> None:
    assert b" 400 " in await answer_to(door, b"GET / HTTP/1.1\r\n\r\n")
    assert b" 400 " in await answer_to(door, b"POST / HTTP/1.1\r\nHost: door\r\nTransfer-Encoding: chunked\r\n\r\nno")
    assert function.events == []


async def test_how_long_a_request_may_take_to_come_is_bounded_as_the_api_does() -> None:
    async with open_lambda("http://127.0.0.1:1") as lambda_client:
        server = make_server(FrontDoor(lambda_client, FUNCTION, HOST), 0)

    server.config.load()
    assert server.config.http_protocol_class is BoundedHttpProtocol


async def test_a_body_of_megabytes_is_passed_on_for_the_api_to_refuse(
    function: Lambda, door: str, client: httpx.AsyncClient
) -> None:
    await client.post(door, content=b"x" * 3_000_000)

    assert len(function.events[0]["body"]) == 3_000_000


async def test_a_body_that_no_function_url_takes_is_a_413(
    function: Lambda, door: str, client: httpx.AsyncClient
) -> None:
    answer = await client.post(door, content=b"x" * (LARGEST_BODY_BYTES + 1))

    assert (answer.status_code, function.events) == (413, [])


async def test_so_many_requests_are_at_the_function_at_a_time_and_the_others_wait(
    function: Lambda, door: str, client: httpx.AsyncClient
) -> None:
    function.awaited = MOST_AT_A_TIME

    answers = await asyncio.gather(*(client.get(f"{door}/readyz") for _ in range(4 * MOST_AT_A_TIME)))

    assert [answer.status_code for answer in answers] == [200] * (4 * MOST_AT_A_TIME)
    assert function.most_under_way == MOST_AT_A_TIME


async def test_an_answer_comes_back_as_it_is(function: Lambda, door: str, client: httpx.AsyncClient) -> None:
    function.answer = {
        "statusCode": 422,
        "headers": {"content-type": "application/json", "content-encoding": "gzip", "retry-after": "1"},
        "cookies": ["a=1; Path=/", "b=2"],
        "body": base64.b64encode(gzip.compress(b'{"detail": "no"}')).decode(),
        "isBase64Encoded": True,
    }

    answer = await client.get(door)

    assert (answer.status_code, answer.json(), answer.headers["retry-after"]) == (422, {"detail": "no"}, "1")
    assert answer.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2"]


async def test_a_head_request_has_no_body_in_its_answer(function: Lambda, door: str, client: httpx.AsyncClient) -> None:
    function.answer = {"statusCode": 200, "headers": {"content-length": "17"}, "body": ""}

    answer = await client.head(f"{door}/docs")

    assert (answer.status_code, answer.headers["content-length"], answer.content) == (200, "17", b"")


async def test_a_function_whose_process_ends_is_a_502(function: Lambda, door: str, client: httpx.AsyncClient) -> None:
    function.headers = {"X-Amz-Function-Error": "Unhandled"}
    function.answer = {"errorMessage": "Error: Runtime exited with error: signal: 9"}

    answer = await client.get(door)

    assert (answer.status_code, "make logs SERVICE=api" in answer.json()["detail"]) == (502, True)


async def test_a_function_that_has_no_concurrency_left_is_a_429(
    function: Lambda, door: str, client: httpx.AsyncClient
) -> None:
    function.status, function.headers = 429, {"X-Amzn-ErrorType": "TooManyRequestsException"}

    assert (await client.get(f"{door}/readyz")).status_code == 429


async def test_before_the_function_is_deployed_the_answer_says_what_to_do(
    function: Lambda, door: str, client: httpx.AsyncClient
) -> None:
    function.status, function.headers = 404, {"X-Amzn-ErrorType": "ResourceNotFoundException"}

    answer = await client.get(f"{door}/readyz")

    assert (answer.status_code, "make up" in answer.json()["detail"]) == (503, True)


async def test_a_localstack_that_is_gone_is_a_502(client: httpx.AsyncClient) -> None:
    async with served(web.Application()) as gone:
        pass

    async with door_to(gone) as door:
        answer = await client.get(f"{door}/readyz")

    assert (answer.status_code, "LocalStack does not answer" in answer.json()["detail"]) == (502, True)
