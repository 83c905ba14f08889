"""How our servers take HTTP, byte by byte over real connections; the application answers what it was asked."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from receiver.app import create_app as create_receiver
from receiver.server import make_server as make_receiver_server
from receiver.settings import Settings as ReceiverSettings
from services.console.app import create_app as create_console
from services.console.server import make_server as make_console_server
from services.console.settings import ConsoleSettings
from web.http_protocol import (
    CHUNK_FRAME_BYTES,
    MAX_BYTES_BESIDE_BODY,
    PIECE_BYTES,
    BoundedHttpProtocol,
)

HOST = b"Host: server\r\n"
CHUNKED = b"POST /echo HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
GET = b"GET /echo HTTP/1.1\r\n" + HOST + b"\r\n"
NO_HOSTS = (b"", b"a b", b"a,b/c", b"a@b", b"a:b", b"[::1", b"a/", b"\xe9")
ENOUGH = 4 * MAX_BYTES_BESIDE_BODY

Answer = tuple[int, dict[str, Any]]


class Asked:
    """An application that answers what it was asked; `/wait` waits until it is let go, `/early` for no body."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.gone: list[bytes] = []
        self.let_go = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(scope["raw_path"])
        body, more = b"", scope["path"] != "/early"
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.gone.append(scope["raw_path"])
                return
            body += message["body"]
            more = message["more_body"]
        if scope["path"] == "/wait":
            await self.let_go.wait()
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        asked = {"method": scope["method"], "path": scope["path"], "query": scope["query_string"].decode()}
        content = json.dumps({**asked, "headers": headers, "body": body.decode("latin-1"), "size": len(body)}).encode()
        length = (b"content-length", str(len(content)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": content})


class Connection:
    """A client's connection to the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self._writer.write(piece)
            await self._writer.drain()

    async def answer(self) -> Answer:
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().splitlines() if line.startswith(b"content-length:"))
        content = json.loads(await self._reader.readexactly(int(length.partition(b":")[2])))
        return int(head.split(b" ")[1]), content

    async def is_closed(self) -> bool:
        """Nothing comes any more."""
        return await self._reader.read() == b""


class ImpatientProtocol(BoundedHttpProtocol):
    request_timeout_seconds = 0.01


class Server:
    """A server on a real port, and its application."""

    def __init__(self, listener: socket.socket, http: type[BoundedHttpProtocol]) -> None:
        self.app = Asked()
        config = uvicorn.Config(self.app, http=http, lifespan="off", ws="none", log_config=None)
        self._server = uvicorn.Server(config)
        self._listener = listener

    async def serve(self) -> None:
        await self._server.serve(sockets=[self._listener])

    def stop(self) -> None:
        self.app.let_go.set()
        self._server.should_exit = True

    @property
    def connections(self) -> list[Any]:
        return list(self._server.server_state.connections)

    @asynccontextmanager
    async def connected_impatiently(self) -> AsyncIterator[Connection]:
        """A connection that has had an answer; no further request has time to come."""
        async with self.connected(GET) as connection:
            assert (await connection.answer())[0] == 200
            [protocol] = self.connections
            protocol.request_timeout_seconds = ImpatientProtocol.request_timeout_seconds
            yield connection

    @asynccontextmanager
    async def connected(self, *sent: bytes) -> AsyncIterator[Connection]:
        reader, writer = await asyncio.open_connection(*self._listener.getsockname())
        connection = Connection(reader, writer)
        try:
            async with asyncio.timeout(30):
                await connection.send(*sent)
                yield connection
        finally:
            writer.close()

    async def answer_to(self, *sent: bytes) -> Answer:
        async with self.connected(*sent) as connection:
            return await connection.answer()


@asynccontextmanager
async def running(http: type[BoundedHttpProtocol]) -> AsyncIterator[Server]:
    server = Server(socket.create_server(("127.0.0.1", 0)), http)
    serving = asyncio.create_task(server.serve())
    yield server
    server.stop()
    await serving


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with running(BoundedHttpProtocol) as server:
        yield server


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  # the server notifies nobody
            await asyncio.sleep(0)


def repeated(piece: bytes, size: int = ENOUGH) -> bytes:
    return piece * (size // len(piece))


async def test_what_stands_in_a_trailer_is_no_header(server: Server) -> None:
    trailers = b"X-API-Key: a-key\r\nIdempotency-Key: order-7\r\nContent-Type: application/json\r\n"

    status, asked = await server.answer_to(CHUNKED + b"2\r\n{}\r\n0\r\n" + trailers + b"\r\n")

    assert (status, asked["body"]) == (200, "{}")
    assert asked["headers"] == [["host", "server"], ["transfer-encoding", "chunked"]]


async def test_a_trailer_is_no_header_of_the_next_request_either(server: Server) -> None:
    async with server.connected(CHUNKED + b"0\r\nX-API-Key: a-key\r\n\r\n" + GET) as connection:
        await connection.answer()
        _, asked = await connection.answer()

    assert asked["headers"] == [["host", "server"]]


@pytest.mark.parametrize(
    ("begun", "more"),
    [
        (b"GET /echo?", repeated(b"q")),
        (b"GET /echo HTTP/1.1\r\n" + HOST, repeated(b"X-Header: value\r\n")),
        (b"GET /echo HTTP/1.1\r\n" + HOST + b"X-Header: ", repeated(b"value")),
        (CHUNKED + b"1\r\nx\r\n0\r\n", repeated(b"X-Trailer: value\r\n")),
        (CHUNKED + b"1\r\nx\r\n0\r\nX-Trailer: ", repeated(b"value")),
        (CHUNKED + b"1;", repeated(b"extension")),
        (CHUNKED, repeated(b"1;extension=" + b"x" * 100 + b"\r\nx\r\n")),
        (CHUNKED, repeated(b"0" * 100 + b"1\r\nx\r\n")),
    ],
    ids=["target", "headers", "header", "trailers", "trailer", "extension", "extensions", "sizes"],
)
@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "later"])
async def test_what_comes_beside_a_body_is_bounded_in_whatever_pieces_it_comes(
    server: Server,
    begun: bytes,
    more: bytes,
    at_once: bool,  # noqa: FBT001
) -> None:
    async with server.connected(*([begun + more] if at_once else [begun, more])) as connection:
        status, asked = await connection.answer()

        assert (status, asked["detail"]) == (
            431,
            f"What comes beside the request's body is larger than {MAX_BYTES_BESIDE_BODY} bytes.",
        )
        assert await connection.is_closed()


async def test_a_head_that_is_whole_is_bounded_to_the_byte(server: Server) -> None:
    rest = len(b"/echo") + len(b"Host: server\r\n") + len(b"X-Header: \r\n")

    for size, expected in ((MAX_BYTES_BESIDE_BODY, 200), (MAX_BYTES_BESIDE_BODY + 1, 431)):
        field = b"X-Header: " + b"x" * (size - rest) + b"\r\n\r\n"
        assert (await server.answer_to(GET[:-2] + field))[0] == expected


async def test_a_request_that_is_refused_by_its_head_reaches_no_application(server: Server) -> None:
    await server.answer_to(GET[:-2] + b"X-Header: " + repeated(b"value") + b"\r\n\r\n")

    assert server.app.asked == []


async def test_a_large_body_is_taken_whole_or_in_chunks_down_to_a_byte(server: Server) -> None:
    size = MAX_BYTES_BESIDE_BODY // 3
    sized = b"POST /echo HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % size
    largest_frame = b"%0*X" % (CHUNK_FRAME_BYTES - 4, 1)

    for request in (
        sized + b"x" * size,
        CHUNKED + b"%X\r\n" % size + b"x" * size + b"\r\n0\r\n\r\n",
        CHUNKED + b"1\r\nx\r\n" * size + b"0\r\n\r\n",
        CHUNKED + (largest_frame + b"\r\nx\r\n") * size + b"0\r\n\r\n",
    ):
        status, asked = await server.answer_to(request)
        assert (status, asked["size"]) == (200, size)


async def test_a_request_may_come_byte_by_byte(server: Server) -> None:
    request = CHUNKED + b"2;a=b\r\n{}\r\n0\r\nX-Trailer: value\r\n\r\n" + GET

    async with server.connected(*(request[place : place + 1] for place in range(len(request)))) as connection:
        assert [(await connection.answer())[1]["body"] for _ in range(2)] == ["{}", ""]


async def test_requests_that_wait_for_the_answer_before_theirs_are_few_whatever_was_sent(server: Server) -> None:
    count = 3000
    async with server.connected(GET.replace(b"/echo", b"/wait")) as connection:
        sending = asyncio.create_task(connection.send(GET * count))
        await until(lambda: any(each.pipeline for each in server.connections))
        [protocol] = server.connections
        server.app.let_go.set()

        for number in range(count):
            assert len(protocol.pipeline) <= PIECE_BYTES // len(GET) + 1
            assert (await connection.answer())[0] == 200, number
        await sending


async def test_what_comes_behind_a_request_that_waits_is_not_read_without_end(server: Server) -> None:
    async with server.connected(GET.replace(b"/echo", b"/wait")) as connection:
        sending = asyncio.create_task(connection.send(*[GET * 1000] * 1000))
        await until(lambda: any(each.flow.read_paused for each in server.connections))
        [protocol] = server.connections
        assert not sending.done()
        assert protocol.is_behind
        sending.cancel()


@pytest.mark.parametrize(
    "upgrade",
    [
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n",
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        b"Upgrade: h2c\r\nUpgrade: foo/2\r\nConnection: keep-alive, upgrade\r\n",
    ],
    ids=["h2c", "websocket", "two"],
)
@pytest.mark.parametrize("is_chunked", [False, True])
async def test_an_upgrade_is_ignored_and_its_request_answered(
    server: Server,
    upgrade: bytes,
    is_chunked: bool,  # noqa: FBT001
) -> None:
    framing = b"Transfer-Encoding: chunked\r\n\r\n" if is_chunked else b"Content-Length: 8\r\n\r\n"
    parts = [b"4\r\nGET \r\n", b"4\r\n/no \r\n0\r\n\r\n"] if is_chunked else [b"GET ", b"/no "]
    head = b"POST /echo?a=b HTTP/1.1\r\n" + HOST + upgrade + framing

    for pieces in ([head, *parts, GET], [head + parts[0], parts[1] + GET], [b"".join([head, *parts, GET])]):
        async with server.connected(*pieces) as connection:
            status, asked = await connection.answer()
            assert (status, asked["method"], asked["path"], asked["query"]) == (200, "POST", "/echo", "a=b")
            assert asked["body"] == "GET /no "
            assert (await connection.answer())[1]["method"] == "GET"


async def test_an_upgrade_writes_nothing_to_the_log(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    await server.answer_to(GET[:-2] + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n")

    assert not [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]


@pytest.mark.parametrize(
    "request_",
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET /echo HTTP/1.1\r\n" + HOST + b"no field\r\n\r\n",
        b"POST /echo HTTP/1.1\r\n" + HOST + b"Content-Length: x\r\n\r\n",
        b"POST /echo HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        CHUNKED + b"x\r\n",
        b"CONNECT server:80 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"CONNECT /echo HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET ftp://server/ HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET http:///echo HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET http://user@server/ HTTP/1.1\r\n" + HOST + b"\r\n",
    ],
)
async def test_what_is_no_request_is_answered_400_and_its_connection_closed(
    server: Server, request_: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with server.connected(request_ + GET) as connection:
        status, asked = await connection.answer()
        assert (status, list(asked)) == (400, ["detail"])
        assert await connection.is_closed()
    assert not [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]


async def test_a_request_before_one_that_is_refused_gets_its_own_answer(server: Server) -> None:
    async with server.connected(GET.replace(b"/echo", b"/wait") + GET + b"hello\r\n\r\n") as connection:
        await until(lambda: server.app.asked == [b"/wait"])
        server.app.let_go.set()
        assert [(await connection.answer())[0] for _ in range(3)] == [200, 200, 400]
        assert await connection.is_closed()


async def test_a_refused_request_whose_turn_has_not_come_reaches_no_application(server: Server) -> None:
    async with server.connected(GET.replace(b"/echo", b"/wait") + CHUNKED + b"x\r\n") as connection:
        await until(lambda: server.app.asked == [b"/wait"])
        server.app.let_go.set()
        assert [(await connection.answer())[0] for _ in range(2)] == [200, 400]
        assert await connection.is_closed()
    assert server.app.asked == [b"/wait"]


async def test_a_request_that_was_answered_before_it_came_as_a_whole_gets_no_second_answer(server: Server) -> None:
    async with server.connected(CHUNKED.replace(b"/echo", b"/early")) as connection:
        assert (await connection.answer())[0] == 200
        await connection.send(b"x\r\n")
        assert await connection.is_closed()


async def test_the_application_hears_that_a_request_will_not_come_as_a_whole(server: Server) -> None:
    async with server.connected(CHUNKED + b"1\r\nx\r\n") as connection:
        await until(lambda: server.app.asked == [b"/echo"])
        await connection.send(b"x\r\n")
        assert (await connection.answer())[0] == 400
        await until(lambda: server.app.gone == [b"/echo"])


@pytest.mark.parametrize("begun", [b"", GET[:-2], CHUNKED, CHUNKED + b"1\r\nx"])
async def test_a_request_that_does_not_come_in_time_is_answered_408_and_its_connection_closed(
    begun: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(ImpatientProtocol) as server, server.connected(begun) as connection:
        assert await connection.answer() == (408, {"detail": "The request did not come as a whole in time."})
        assert await connection.is_closed()
    assert not [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]


async def test_time_runs_anew_for_each_request(server: Server) -> None:
    async with server.connected_impatiently() as connection:
        await connection.send(GET[:-2])
        assert (await connection.answer())[0] == 408


async def test_a_request_that_came_as_a_whole_has_time_for_its_answer(server: Server) -> None:
    async with server.connected_impatiently() as connection:
        await connection.send(GET.replace(b"/echo", b"/wait"))
        await until(lambda: server.app.asked == [b"/echo", b"/wait"])
        await asyncio.sleep(0.05)
        server.app.let_go.set()
        assert (await connection.answer())[0] == 200


async def test_time_does_not_run_for_a_client_that_is_not_read_from(server: Server) -> None:
    async with server.connected_impatiently() as connection:
        await connection.send(GET.replace(b"/echo", b"/wait") + GET + CHUNKED[:-2])
        await until(lambda: server.app.asked == [b"/echo", b"/wait"])
        await asyncio.sleep(0.05)
        server.app.let_go.set()
        assert [(await connection.answer())[0] for _ in range(3)] == [200, 200, 408]


@pytest.mark.parametrize(
    ("version", "fields"),
    [
        (b"1.1", b""),
        (b"1.1", HOST + HOST),
        (b"1.0", HOST + HOST),
        *((b"1.1", b"Host: " + value + b"\r\n") for value in NO_HOSTS),
    ],
)
async def test_a_request_without_one_valid_host_is_answered_400(server: Server, version: bytes, fields: bytes) -> None:
    async with server.connected(b"GET /echo HTTP/" + version + b"\r\n" + fields + b"\r\n") as connection:
        assert (await connection.answer())[1] == {"detail": "A request has one Host header, which names a host."}
        assert await connection.is_closed()


@pytest.mark.parametrize("host", [b"server", b"server:9000", b"127.0.0.1:80", b"[::1]:8080", b"a_b.example", b"a%20b:"])
async def test_every_host_by_the_letter_is_taken(server: Server, host: bytes) -> None:
    assert (await server.answer_to(b"GET /echo HTTP/1.1\r\nHost: " + host + b"\r\n\r\n"))[0] == 200


async def test_http_1_0_needs_no_host(server: Server) -> None:
    assert (await server.answer_to(b"GET /echo HTTP/1.0\r\n\r\n"))[0] == 200


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"http://other:81/echo?a=b", "/echo", "a=b"),
        (b"HTTPS://other:81/echo", "/echo", ""),
        (b"http://other:81", "/", ""),
        (b"http://other:81?a=b", "/", "a=b"),
    ],
)
async def test_a_target_may_be_a_url_whose_host_counts(server: Server, target: bytes, path: str, query: str) -> None:
    status, asked = await server.answer_to(b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"Accept: */*\r\n\r\n")

    assert (status, asked["path"], asked["query"]) == (200, path, query)
    assert asked["headers"] == [["host", "other:81"], ["accept", "*/*"]]


def test_the_pages_servers_take_http_so(tmp_path: Path) -> None:
    receiver = make_receiver_server(create_receiver(ReceiverSettings(receiver_database=tmp_path / "receiver.sqlite3")))
    console = make_console_server(create_console(ConsoleSettings(), {}), ConsoleSettings())

    for each in (receiver, console):
        each.config.load()
        assert issubclass(each.config.http_protocol_class, BoundedHttpProtocol)
        assert each.config.http_protocol_class.request_timeout_seconds == 30
        assert each.config.ws_protocol_class is None
