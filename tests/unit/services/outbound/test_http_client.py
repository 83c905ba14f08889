"""The HTTP client for callbacks and data sources, and how its errors are worded."""

import asyncio
from asyncio.selector_events import BaseSelectorEventLoop
from contextlib import suppress
from typing import Any

import httpx2
import pytest
from aiohttp import ClientConnectionError, encode_basic_auth, web

from services.outbound.http_client import HTTP_ERRORS, describe_http_error
from services.settings import USER_AGENT
from tests.service_fixtures import EndlessAnswer, Serve


async def error_of(http: httpx2.AsyncClient, url: str) -> Exception:
    with pytest.raises(HTTP_ERRORS) as raised:
        await http.get(url)
    return raised.value


async def test_a_refused_connection_names_its_address(http: httpx2.AsyncClient, closed_port: int) -> None:
    error = await error_of(http, f"http://127.0.0.1:{closed_port}/")

    assert describe_http_error(error) == f"cannot connect to 127.0.0.1:{closed_port}: Connection refused"


async def test_an_unknown_host_is_named(http: httpx2.AsyncClient) -> None:
    error = await error_of(http, "http://no-such-host.invalid/")

    assert describe_http_error(error) == "the host name no-such-host.invalid cannot be resolved"


async def test_a_forbidden_target_is_named_with_the_setting_that_would_allow_it(http: httpx2.AsyncClient) -> None:
    error = await error_of(http, "http://10.0.0.5/")

    assert describe_http_error(error) == "10.0.0.5:80 is not public, and ALLOWED_PRIVATE_TARGETS does not list it"


async def test_a_connection_that_was_closed_says_so(http: httpx2.AsyncClient, serve: Serve) -> None:
    async def hang_up(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async with serve(hang_up) as url:
        # Only what is not sent again by the transport itself shows the first error.
        with pytest.raises(HTTP_ERRORS) as raised:
            await http.post(url)

    assert describe_http_error(raised.value) == "the connection was closed before the answer was complete"


@pytest.mark.parametrize(
    ("error", "description"),
    [
        (httpx2.UnsupportedProtocol("no such protocol"), "UnsupportedProtocol: no such protocol"),
        (ClientConnectionError("gone"), "ClientConnectionError: gone"),
        (ValueError("bad header"), "ValueError: bad header"),
    ],
)
def test_any_other_error_has_its_type_and_text(error: Exception, description: str) -> None:
    assert describe_http_error(error) == description


def test_what_a_server_sent_amiss_does_not_make_the_description_long() -> None:
    assert len(describe_http_error(ValueError("a" * 10_000))) == 500


def test_the_cause_in_the_transport_is_worded_rather_than_what_wraps_it() -> None:
    error = httpx2.ConnectError("wrapped")
    error.__cause__ = ClientConnectionError("the real cause")

    assert describe_http_error(error) == "ClientConnectionError: the real cause"


async def test_a_request_says_who_asks(http: httpx2.AsyncClient, serve: Serve) -> None:
    async def echo(request: web.Request) -> web.Response:
        return web.json_response(dict(request.headers))

    async with serve(echo) as url:
        response = await http.get(url)

    assert response.json()["User-Agent"] == USER_AGENT


async def test_the_credentials_of_a_url_go_into_a_header(http: httpx2.AsyncClient, serve: Serve) -> None:
    async def echo(request: web.Request) -> web.Response:
        return web.json_response(dict(request.headers))

    async with serve(echo) as url:
        response = await http.get(url.replace("http://", "http://user:p%40ss@"))

    assert response.json()["Authorization"] == encode_basic_auth("user", "p@ss")


async def test_a_request_can_have_a_time_to_connect_of_its_own(
    http: httpx2.AsyncClient, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_arguments: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(BaseSelectorEventLoop, "sock_connect", hang)

    with pytest.raises(httpx2.ConnectTimeout):
        await http.get(f"http://127.0.0.1:{closed_port}/", timeout=httpx2.Timeout(None, connect=0.01))


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"])
async def test_a_request_can_have_a_time_to_be_answered_of_its_own(http: httpx2.AsyncClient, begun: bytes) -> None:
    hung_up = asyncio.Event()

    async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(begun)
        # Who hangs up before it has read what was begun resets the connection.
        with suppress(ConnectionError):
            await reader.read(-1)
        writer.close()
        hung_up.set()

    async with await asyncio.start_server(begin, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(httpx2.ReadTimeout):
            await http.get(f"http://127.0.0.1:{port}/", timeout=httpx2.Timeout(None, read=0.01))
        await hung_up.wait()


async def test_an_answer_can_be_judged_before_its_body_has_come(http: httpx2.AsyncClient, serve: Serve) -> None:
    endless = EndlessAnswer()
    async with serve(endless.__call__) as url:
        async with http.stream("POST", url, content="{}") as response:
            assert response.status_code == 200
        await endless.hung_up.wait()


async def test_no_proxy_is_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, serve: Serve, http: httpx2.AsyncClient, closed_port: int
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port}")

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="direct")

    async with serve(answer) as url:
        assert (await http.get(url)).text == "direct"
