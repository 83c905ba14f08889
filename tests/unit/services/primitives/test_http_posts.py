"""Short POSTs beside those of aiohttp's session: the same goes out, and the same comes in or is raised."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from yarl import URL

from services.primitives.http_posts import Answer, HttpPosts
from tests.certificate_authority import Authority
from tests.raw_server import HANG_UP, Piece, raw_server

LONG = 65_537
"""Bytes of a body that aiohttp's own request sends."""

TIMEOUT = aiohttp.ClientTimeout(sock_connect=5, sock_read=5)
OK = b"HTTP/1.1 200 OK\r\nx-kind: short\r\ncontent-length: 4\r\n\r\ndone"


@dataclass
class Keeper:
    """A server that keeps the bytes of each request, and answers 200."""

    url: URL = field(default_factory=URL)
    requests: list[tuple[bytes, list[bytes], bytes]] = field(default_factory=list)
    """The first line, the fields and the body of each."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head_of(reader):
            line, *fields = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
            lengths = [each for each in fields if each.lower().startswith(b"content-length:")]
            body = await reader.readexactly(int(lengths[0].partition(b":")[2]))
            self.requests.append((line, fields, body))
            writer.write(OK)
        writer.close()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Keeper"]:
        async with await asyncio.start_server(self.serve, "127.0.0.1", 0) as listener:
            self.url = URL(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/callback?a=%2F", encoded=True)
            yield self


async def _head_of(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


@asynccontextmanager
async def session_of_tests() -> AsyncIterator[aiohttp.ClientSession]:
    """One that adds no headers of its own."""
    skipped = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")
    async with aiohttp.ClientSession(skip_auto_headers=skipped, auto_decompress=False, timeout=TIMEOUT) as session:
        yield session


def headers_to(url: URL, **others: str) -> dict[str, str]:
    return {"Host": f"{url.host}:{url.port}", **others}


async def said(answer: Answer) -> tuple[int, Sequence[tuple[bytes, bytes]], Mapping[str, str], bytes]:
    return answer.status, answer.raw_headers, dict(answer.headers), await answer.content.read()


async def outcome_of(
    session: aiohttp.ClientSession, url: URL, *, by_session: bool, timeouts: aiohttp.ClientTimeout = TIMEOUT
) -> object:
    """What comes of a POST: its answer, or what is raised."""
    headers = headers_to(url)
    post = (
        session.post(url, headers=headers, data=b"{}", timeout=timeouts, allow_redirects=False)
        if by_session
        else HttpPosts(session).post(url, headers, b"{}", timeouts)
    )
    try:
        async with post as answer:
            return await said(answer)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return type(error), str(error)


@given(
    fields=st.dictionaries(
        st.from_regex("x-[a-z]{1,8}", fullmatch=True), st.from_regex(r"[!-~]([ -~]{0,30}[!-~])?", fullmatch=True)
    ),
    body=st.binary(max_size=300),
)
@example(fields={}, body=b"{}" * (LONG // 2))
@example(fields={"x-long": "v" * 9000}, body="Zürich, 東京".encode())
@settings(max_examples=50, deadline=None)
def test_the_same_is_sent(fields: dict[str, str], body: bytes) -> None:
    async def both() -> list[tuple[bytes, list[bytes], bytes]]:
        async with Keeper().serving() as keeper, session_of_tests() as session:
            headers = headers_to(keeper.url, **fields, authorization="Basic YTpi")
            async with session.post(keeper.url, headers=headers, data=body) as answer:
                await answer.read()
            async with HttpPosts(session).post(keeper.url, headers, body, TIMEOUT) as short:
                assert (short.status, await short.content.read()) == (200, b"done")
            return keeper.requests

    by_session, short = asyncio.run(both())
    assert short == by_session


TOO_LONG = b"x" * 9000

ANSWERS: dict[str, list[Piece]] = {
    "with a body": [OK],
    "in pieces": [OK[:9], OK[9:20], OK[20:]],
    "of chunks": [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"4\r\ndone\r\n", b"0\r\n\r\n"],
    "until the end of the connection": [b"HTTP/1.1 200 OK\r\n\r\ndo", b"ne", HANG_UP],
    "encoded": [b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\ndone"],
    "without a body": [b"HTTP/1.1 204 No Content\r\n\r\n"],
    "behind an interim one": [b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n", OK],
    "of a status that is none": [b"HTTP/1.1 042 What\r\ncontent-length: 4\r\n\r\ndone"],
    "that leads elsewhere": [b"HTTP/1.1 307 Over there\r\nlocation: /b\r\ncontent-length: 0\r\n\r\n"],
    "that refuses": [b"HTTP/1.1 503 Busy\r\nretry-after: 3\r\ncontent-length: 0\r\n\r\n"],
    "that sets a cookie": [b"HTTP/1.1 200 OK\r\nset-cookie: a=b\r\ncontent-length: 0\r\n\r\n"],
    "none": [HANG_UP],
    "broken off": [OK[:-2], HANG_UP],
    "broken off in its head": [OK[:20], HANG_UP],
    "that is no HTTP": [b"SSH-2.0-OpenSSH_9.2\r\n\r\n"],
    "with a field too long": [b"HTTP/1.1 200 OK\r\nx-long: " + TOO_LONG + b"\r\n\r\n"],
}


@pytest.mark.parametrize("pieces", ANSWERS.values(), ids=ANSWERS)
async def test_the_same_comes_of_an_answer(pieces: list[Piece]) -> None:
    async with raw_server(pieces) as server, session_of_tests() as session:
        outcomes = [await outcome_of(session, URL(server.url), by_session=by_session) for by_session in (True, False)]

    assert outcomes[1] == outcomes[0]


@pytest.mark.parametrize("pieces", [[], [OK[:20]], [OK[:-2]]], ids=["none", "a part of the head", "a part of the body"])
async def test_a_server_that_falls_silent_is_waited_for_as_long(pieces: list[Piece]) -> None:
    impatient = aiohttp.ClientTimeout(sock_connect=5, sock_read=0.05)
    async with raw_server(pieces) as server, session_of_tests() as session:
        outcomes = [
            await outcome_of(session, URL(server.url), by_session=by_session, timeouts=impatient)
            for by_session in (True, False)
        ]

    assert outcomes[1] == outcomes[0] == (aiohttp.SocketTimeoutError, "Timeout on reading data from socket")


async def test_a_server_that_is_not_there_is_said_alike(closed_port: int) -> None:
    url = URL(f"http://127.0.0.1:{closed_port}/")
    async with session_of_tests() as session:
        outcomes = [await outcome_of(session, url, by_session=by_session) for by_session in (True, False)]

    assert outcomes[1] == outcomes[0]


async def test_a_connection_that_does_not_come_about_is_said_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    url = URL("http://127.0.0.1:9/")

    async def hang(*_arguments: object, **_named: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("aiohttp.connector.aiohappyeyeballs.start_connection", hang)
    impatient = aiohttp.ClientTimeout(sock_connect=0.05)
    async with session_of_tests() as session:
        outcomes = [
            await outcome_of(session, url, by_session=by_session, timeouts=impatient) for by_session in (True, False)
        ]

    assert outcomes[1] == outcomes[0] == (aiohttp.ConnectionTimeoutError, f"Connection timeout to host {url}")


async def test_it_uses_the_connections_of_the_session() -> None:
    async with raw_server([OK]) as server, session_of_tests() as session:
        for by_session in (True, False, True, False):
            await outcome_of(session, URL(server.url), by_session=by_session)

    assert len(server.connections) == 1


async def test_a_connection_whose_answer_is_not_read_to_its_end_is_closed() -> None:
    async with raw_server([OK[:-2]]) as server, session_of_tests() as session:
        async with HttpPosts(session).post(URL(server.url), headers_to(URL(server.url)), b"{}", TIMEOUT) as answer:
            assert answer.status == 200

        await server.hung_up.wait()


async def test_a_post_that_is_cancelled_closes_its_connection() -> None:
    async with raw_server([]) as server, session_of_tests() as session:
        with pytest.raises(TimeoutError):
            async with (
                asyncio.timeout(0.05),
                HttpPosts(session).post(URL(server.url), headers_to(URL(server.url)), b"{}", TIMEOUT),
            ):
                pass

        await server.hung_up.wait()


@pytest.mark.parametrize("character", ["\r\nx-other: b", "\n", "\r", "\0", "\t", "\x0b", "\x7f", "\ud800"])
async def test_what_no_request_can_carry_is_refused_before_anything_is_sent(character: str) -> None:
    async with Keeper().serving() as keeper, session_of_tests() as session:
        posts, headers = HttpPosts(session), headers_to(keeper.url)
        rewritten = URL.build(scheme="http", host="127.0.0.1", path=f"/{character}", encoded=True)
        for url, fields in [
            (keeper.url, {**headers, "x": f"a{character}"}),
            (keeper.url, {**headers, f"x{character}": "a"}),
            (rewritten, headers),
        ]:
            with pytest.raises(ValueError, match="has a character that no request can carry"):
                posts.post(url, fields, b"{}", TIMEOUT)

    assert keeper.requests == []


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_server_that_hangs_up_before_it_is_asked_is_an_error_of_the_connection(
    tmp_path: Path, version: ssl.TLSVersion
) -> None:
    authority = Authority(tmp_path, "authority")
    context = authority.issue("server")
    context.minimum_version = context.maximum_version = version
    trusting = ssl.create_default_context(cafile=authority.certificate)

    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail ready\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0, ssl=context) as server:
        url = URL(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        for _ in range(20):
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting)) as session:
                with pytest.raises(aiohttp.ClientError):
                    async with HttpPosts(session).post(url, headers_to(url), b"{}", TIMEOUT):
                        pass


async def test_a_session_that_is_closed_makes_no_post() -> None:
    async with session_of_tests() as session:
        posts = HttpPosts(session)
    url = URL("http://127.0.0.1:9/")

    with pytest.raises(RuntimeError, match="Session is closed"):
        async with posts.post(url, headers_to(url), b"{}", TIMEOUT):
            pass
