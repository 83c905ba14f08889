"""What callbacks and data items send for a URL, seen by a server that keeps the bytes of each request."""

import asyncio
import base64
import socket
from asyncio.selector_events import BaseSelectorEventLoop
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.delivery.answers import Delivered
from services.delivery.callback_client import CallbackClient
from services.delivery.settings import DeliverySettings
from services.messages import decode_task, encode_task, success_outcome
from services.outbound.http_client import TargetSessions, open_http_client, open_target_sessions
from services.outbound.target_url import parse_url
from services.primitives import exact_json
from services.task_types.task_type import TaskContext
from services.tasks.data import DataItem, DataSettings, fetch
from tests.service_fixtures import policy_of

VISIBLE_ASCII = "".join(map(chr, range(0x21, 0x7F)))
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"

# What libraries like to rewrite, beside anything else.
PIECES = st.sampled_from(
    ["%2F", "%2f", "%7E", "%7e", "%40", "%3A", "%2C", "%3F", "%21", "%27", "%28", "%29", "%2A", "%24", "%2B", "%25",
     "%C3%A9", "%c3%a9", "%E9", "%zz", "%", "[", "]", "{", "}", "|", "?", "'", '"', "<", ">", "\\", "^", "`", "+", "/",
     "//", "/./", "/../", "..", ".", ";", "&", "=", "@", ":", "~", "a", "abc%2Bdef%2F%3D%3D"]
) | st.sampled_from(VISIBLE_ASCII.replace("#", ""))  # fmt: skip
REQUEST_TARGETS = st.lists(PIECES, max_size=12).map("".join).map(lambda rest: f"/{rest}")


class RawServer:
    """Answers every request with 200, and keeps its lines."""

    def __init__(self) -> None:
        self.heads: list[list[bytes]] = []
        self.port = 0

    @property
    def request_targets(self) -> list[str]:
        """Those of all requests."""
        return [head[0].split(b" ")[1].decode("latin-1") for head in self.heads]

    def header(self, name: bytes) -> list[bytes]:
        """The values of the last request's header."""
        lines = (line.partition(b":") for line in self.heads[-1][1:])
        return [value.strip() for found, _, value in lines if found.lower() == name]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await self._head(reader):
            self.heads.append(head.split(b"\r\n"))
            [length] = self.header(b"content-length") or [b"0"]
            await reader.readexactly(int(length))
            writer.write(ANSWER)
        writer.close()

    async def _head(self, reader: asyncio.StreamReader) -> bytes:
        try:
            return await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return b""


@asynccontextmanager
async def raw_server() -> AsyncIterator[tuple[RawServer, TargetSessions]]:
    """Serve, with sessions that reach it."""
    server = RawServer()
    async with (
        await asyncio.start_server(server.serve, "127.0.0.1", 0) as listener,
        open_target_sessions(policy=policy_of("127.0.0.1", "b\u00fccher.localhost")) as sessions,
    ):
        server.port = listener.sockets[0].getsockname()[1]
        yield server, sessions


async def deliver(url: str, sessions: TargetSessions) -> None:
    """As a worker does it, from the client's request on."""
    request = exact_json.dumps({"callback_url": url, "message": []})
    task = decode_task(encode_task("id", "calculation", request))
    assert await CallbackClient(sessions, DeliverySettings()).post(success_outcome(task, [], [])) == Delivered()


async def get(url: str, sessions: TargetSessions) -> None:
    item = DataItem.model_construct(name="a", url=url, method="GET", headers={}, payload={})
    async with open_http_client(sessions, connect_timeout_seconds=5) as http:
        await fetch(item, TaskContext("id", 1, http, DataSettings()))


def lead_to(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every address and port lead to the server."""
    connect = BaseSelectorEventLoop.sock_connect

    async def sock_connect(loop: BaseSelectorEventLoop, sock: socket.socket, _address: Any) -> None:
        await connect(loop, sock, ("127.0.0.1", server.port))

    monkeypatch.setattr(BaseSelectorEventLoop, "sock_connect", sock_connect)
    lookup = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _host, *rest, **more: lookup("127.0.0.1", *rest, **more))


Send = Callable[[str, TargetSessions], Awaitable[None]]
both = pytest.mark.parametrize("send", [deliver, get])


@both
@settings(max_examples=20, deadline=None)
@given(st.lists(REQUEST_TARGETS, min_size=10, max_size=20))
@example(["/", "/?", "/a?", "/a/../b/./c//", "//", "/%2f%7E?%", "/?a='b'&{c}=[d]|\\^`\"<>", "/" + "a" * 8000])
def test_the_request_target_is_byte_for_byte_the_one_that_was_given(send: Send, request_targets: list[str]) -> None:
    async def received() -> list[str]:
        async with raw_server() as (server, sessions):
            for each in request_targets:
                await send(f"http://127.0.0.1:{server.port}{each}", sessions)
        return server.request_targets

    assert all(parse_url(f"http://127.0.0.1{each}").request_target == each for each in request_targets)
    assert asyncio.run(received()) == request_targets


@both
@pytest.mark.parametrize(("rest", "received"), [("", "/"), ("?", "/?"), ("?a", "/?a"), ("#b", "/"), ("/a?b#c", "/a?b")])
async def test_a_path_that_is_empty_is_a_slash_and_a_fragment_is_not_sent(send: Send, rest: str, received: str) -> None:
    async with raw_server() as (server, sessions):
        await send(f"http://127.0.0.1:{server.port}{rest}", sessions)

    assert server.request_targets == [received]


@both
async def test_user_and_password_are_sent_as_utf_8_and_not_in_the_request_target(send: Send) -> None:
    async with raw_server() as (server, sessions):
        await send(f"http://us%C3%A9r:p%E2%82%ACss@127.0.0.1:{server.port}/a", sessions)

    assert server.request_targets == ["/a"]
    assert server.header(b"authorization") == [b"Basic " + base64.b64encode("us\u00e9r:p\u20acss".encode())]


@both
@pytest.mark.parametrize("port", ["", ":80", ":8080"])
async def test_the_host_header_has_the_port_that_was_given(
    send: Send, port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with raw_server() as (server, sessions):
        lead_to(server, monkeypatch)
        await send(f"http://127.0.0.1{port}/", sessions)

    assert server.header(b"host") == [f"127.0.0.1{port}".encode()]


@both
@pytest.mark.parametrize("host", ["B\u00dccher.localhost", "xn--bcher-kva.localhost"])
async def test_a_name_that_is_listed_is_called_in_unicode_and_in_ascii(
    send: Send, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with raw_server() as (server, sessions):
        lead_to(server, monkeypatch)
        await send(f"http://{host}:8080/", sessions)

    assert server.header(b"host") == [b"xn--bcher-kva.localhost:8080"]


@pytest.mark.parametrize("params", [{"a": "b c"}, {}])
async def test_a_task_type_may_add_parameters(params: dict[str, str]) -> None:
    async with (
        raw_server() as (server, sessions),
        open_http_client(sessions, connect_timeout_seconds=5) as http,
    ):
        await http.get(f"http://127.0.0.1:{server.port}/", params=params)

    assert server.request_targets == ["/?a=b+c" if params else "/"]
