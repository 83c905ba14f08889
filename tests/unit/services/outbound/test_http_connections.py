"""What a connection may carry: the answer to its request and nothing else, however oddly it is written."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from services.delivery.answers import Delivered, FailedForNow
from services.delivery.callback_client import CallbackClient
from services.delivery.settings import DeliverySettings
from services.messages import OutcomeMessage
from services.outbound.http_client import TargetSessions
from services.primitives import exact_json
from services.task_types.task_type import ItemError, TaskContext
from services.tasks.data import DataItem, DataSettings, fetch
from tests.raw_server import HANG_UP, Piece, RawServer, raw_server, turns_of_the_loop

PATIENCE_SECONDS = 30


def answer_of(status: str, body: str = "{}", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"content-length: {len(body)}", "", body]
    return "\r\n".join(lines).encode()


OK = answer_of("200 OK")
TAKEN = answer_of("200 OK", '"unasked"')
REFUSED = answer_of("407 No", '"asked"')

NOTHING: list[Piece] = []

Call = Callable[[str], Awaitable[Any]]


@pytest.fixture
def post(sessions: TargetSessions) -> Call:
    """Make one delivery attempt."""
    client = CallbackClient(sessions, DeliverySettings())

    async def post(url: str) -> Any:
        return await client.post(OutcomeMessage("id", "calculation", url, "{}"))

    return post


async def fetched(http: httpx2.AsyncClient, url: str, method: str = "GET") -> str:
    """The JSON of a data item, or its error."""
    item = DataItem.model_validate({"name": "item", "url": url, "method": method})
    try:
        return exact_json.dumps(await fetch(item, TaskContext("id", 1, http, DataSettings())))
    except ItemError as error:
        return str(error)


# What a server may write behind an answer that was complete, in pieces: nobody asked for any of it.
UNASKED = [
    [TAKEN],
    [TAKEN[:5], TAKEN[5:]],
    [TAKEN[:30], TAKEN[30:]],
    [b"HTTP/1.1 100 Continue\r\n\r\n"],
    [b"\x00"],
    [b"\r\n"],
    [answer_of("503 Busy")],
]


@pytest.mark.parametrize("is_read", [False, True], ids=["unread", "read"])
@pytest.mark.parametrize("unasked", UNASKED)
async def test_what_comes_behind_an_answer_judges_no_other_callback(
    post: Call, unasked: list[bytes], *, is_read: bool
) -> None:
    async with raw_server(lambda path, _: [OK if path == "/a" else REFUSED]) as server:
        assert await post(f"{server.url}/a") == Delivered()
        for piece in unasked:
            server.connections[0].write(piece)
            if is_read:
                await turns_of_the_loop()

        assert await post(f"{server.url}/b") == FailedForNow("the receiver answered 407")

    assert len(server.connections) == 2


@pytest.mark.parametrize("is_read", [False, True], ids=["unread", "read"])
@pytest.mark.parametrize("unasked", UNASKED)
async def test_what_comes_behind_an_answer_is_the_result_of_no_other_item(
    http: httpx2.AsyncClient, unasked: list[bytes], *, is_read: bool
) -> None:
    async with raw_server(lambda path, _: [answer_of("200 OK", f'"{path}"')]) as server:
        assert await fetched(http, f"{server.url}/a") == '"/a"'
        for piece in unasked:
            server.connections[0].write(piece)
            if is_read:
                await turns_of_the_loop()

        assert await fetched(http, f"{server.url}/b") == '"/b"'

    assert len(server.connections) == 2


@pytest.mark.parametrize("is_all", [False, True], ids=["goes on", "is all"])
@pytest.mark.parametrize("more", [TAKEN, TAKEN[:5], TAKEN[:30], b"\x00", REFUSED])
@pytest.mark.parametrize("first", [[OK], [OK[:-1], OK[-1:]], [b"HTTP/1.1 204 No Content\r\n\r\n"]])
async def test_what_comes_together_with_the_end_of_an_answer_judges_no_other_callback(
    post: Call, first: list[bytes], more: bytes, *, is_all: bool
) -> None:
    *begin, end = first
    async with raw_server(lambda path, _: [*begin, end + more] if path == "/a" else [REFUSED]) as server:
        assert await post(f"{server.url}/a") == Delivered()
        if not is_all:
            server.connections[0].write(TAKEN[len(more) :])
        assert await post(f"{server.url}/b") == FailedForNow("the receiver answered 407")

    assert len(server.connections) == 2


async def test_the_connection_of_a_refused_callback_is_not_used_again(post: Call) -> None:
    async with raw_server([REFUSED]) as server:
        for _ in range(3):
            await post(server.url)

    assert len(server.connections) == 3


async def test_requests_that_go_well_share_a_connection(post: Call, http: httpx2.AsyncClient) -> None:
    async with raw_server(lambda path, _: [REFUSED if path == "/refused" else OK]) as server:
        for _ in range(3):
            assert await post(f"{server.url}/") == Delivered()
            assert await fetched(http, f"{server.url}/") == "{}"
            assert "407" in await fetched(http, f"{server.url}/refused")

    assert len(server.connections) == 1


@pytest.mark.parametrize(
    "interim", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"]
)
@pytest.mark.parametrize("pieces", [1, 2, 3])
async def test_interim_answers_come_before_the_answer(
    post: Call, http: httpx2.AsyncClient, interim: bytes, pieces: int
) -> None:
    sent: list[Piece] = [interim + interim + OK] if pieces == 1 else [*[interim] * (pieces - 1), OK]
    async with raw_server(sent) as server:
        assert await post(server.url) == Delivered()
        assert await fetched(http, server.url) == "{}"

    assert len(server.connections) == 1


async def test_an_interim_answer_is_none(post: Call, http: httpx2.AsyncClient) -> None:
    async with raw_server([b"HTTP/1.1 100 Continue\r\n\r\n", HANG_UP]) as server:
        answer = await post(server.url)
        error = await fetched(http, server.url)

    assert isinstance(answer, FailedForNow)
    assert error == "the connection was closed before the answer was complete"


@pytest.mark.parametrize("is_read", [False, True], ids=["unread", "read"])
async def test_a_connection_that_was_closed_while_idle_is_not_used(
    post: Call, http: httpx2.AsyncClient, *, is_read: bool
) -> None:
    async with raw_server([OK]) as server:
        for call in (post, lambda url: fetched(http, url)):
            server.paths.clear()
            await call(f"{server.url}/first")
            server.connections[-1].close()
            if is_read:
                await turns_of_the_loop()
            assert await call(f"{server.url}/second") in (Delivered(), "{}")
            # None was sent in vain.
            assert server.paths == ["/first", "/second"]
            await turns_of_the_loop()


async def test_a_kept_connection_that_is_closed_under_a_callback_costs_no_attempt(post: Call) -> None:
    async with raw_server(lambda _, number: [HANG_UP if number == 1 else OK]) as server:
        await post(f"{server.url}/first")
        assert await post(f"{server.url}/second") == Delivered()

    assert server.paths == ["/first", "/second", "/second"]
    assert len(server.connections) == 2


async def test_a_receiver_that_hangs_up_on_a_new_connection_is_called_once_an_attempt(post: Call) -> None:
    async with raw_server([HANG_UP]) as server:
        assert isinstance(await post(f"{server.url}/"), FailedForNow)

    assert server.paths == ["/"]


async def test_a_receiver_that_hangs_up_twice_has_refused(post: Call) -> None:
    async with raw_server(lambda _, number: [HANG_UP if number else OK]) as server:
        await post(f"{server.url}/first")
        answer = await post(f"{server.url}/second")

    assert isinstance(answer, FailedForNow)
    assert server.paths == ["/first", "/second", "/second"]


async def test_a_receiver_that_begins_to_answer_and_hangs_up_is_not_called_again(post: Call) -> None:
    async with raw_server(lambda _, number: [b"HTTP/1.1 5", HANG_UP] if number else [OK]) as server:
        await post(f"{server.url}/first")
        answer = await post(f"{server.url}/second")

    assert isinstance(answer, FailedForNow)
    assert server.paths == ["/first", "/second"]


async def test_the_time_of_an_attempt_includes_a_second_connection(sessions: TargetSessions) -> None:
    client = CallbackClient(sessions, DeliverySettings(callback_timeout_seconds=0.2))
    async with raw_server(lambda _, number: ([OK], [HANG_UP], NOTHING)[number]) as server:
        await client.post(OutcomeMessage("id", "calculation", f"{server.url}/", "{}"))
        answer = await client.post(OutcomeMessage("id", "calculation", f"{server.url}/", "{}"))

    assert answer == FailedForNow("the receiver did not answer within 0.2 seconds", soon=False)


async def test_a_receiver_that_is_silent_on_a_kept_connection_is_called_once_an_attempt(
    sessions: TargetSessions,
) -> None:
    client = CallbackClient(sessions, DeliverySettings(callback_read_timeout_seconds=0.05))
    async with raw_server(lambda _, number: NOTHING if number else [OK]) as server:
        await client.post(OutcomeMessage("id", "calculation", f"{server.url}/first", "{}"))
        answer = await client.post(OutcomeMessage("id", "calculation", f"{server.url}/second", "{}"))

    assert answer == FailedForNow("the receiver was silent for 0.05 seconds", soon=False)
    assert server.paths == ["/first", "/second"]


async def test_a_post_of_a_data_item_has_a_connection_of_its_own(http: httpx2.AsyncClient) -> None:
    async with raw_server([OK]) as server:
        for method in ("GET", "POST", "POST", "GET"):
            assert await fetched(http, server.url, method) == "{}"

    assert len(server.connections) == 3


async def test_a_get_is_repeated_where_its_kept_connection_is_closed_under_it(http: httpx2.AsyncClient) -> None:
    async with raw_server(lambda _, number: [HANG_UP if number == 1 else OK]) as server:
        await fetched(http, server.url)
        assert await fetched(http, server.url) == "{}"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_neither_an_item_nor_a_callback_waits_for_the_connections_of_others(
    post: Call, http: httpx2.AsyncClient, method: str
) -> None:
    at_once = 201
    all_are_here = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.paths.append((await reader.readuntil(b"\r\n\r\n")).decode().split(" ")[1])
        if len(server.paths) > at_once:
            all_are_here.set()
        await all_are_here.wait()
        writer.write(OK)
        writer.close()

    server = RawServer(lambda *_: [])
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listener:
        url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        results = await asyncio.gather(*(fetched(http, url, method) for _ in range(at_once)), post(url))

    assert results == ["{}"] * at_once + [Delivered()]


HEAD = "content-type: application/json\r\ncontent-length: 7\r\n"
JSON = '{"a":1}'
NULL = "null"


def odd(text: str) -> list[Piece]:
    return [text.encode()]


# What a receiver writes, and how it answered by its status line; None where it gave none.
ODDITIES: list[tuple[str, list[Piece], int | None, str]] = [
    ("a long field", odd(f"HTTP/1.1 200 OK\r\nx: {'a' * 20_000}\r\n{HEAD}\r\n{JSON}"), 200, JSON),
    ("many fields", odd(f"HTTP/1.1 200 OK\r\n{'x: a' * 1}\r\n" + "y: b\r\n" * 500 + f"{HEAD}\r\n{JSON}"), 200, JSON),
    ("too long a field", odd(f"HTTP/1.1 200 OK\r\nx: {'a' * 70_000}\r\n{HEAD}\r\n{JSON}"), 200, "Got more than 65536"),
    ("too many fields", odd("HTTP/1.1 200 OK\r\n" + "y: b\r\n" * 1001 + f"{HEAD}\r\n{JSON}"), 200, "Too many headers"),
    ("a body of 204", odd("HTTP/1.1 204 No Content\r\n\r\n{}"), 204, NULL),
    ("a long body of 204", odd("HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\n{}"), 204, NULL),
    ("a body of 204 later", [*odd("HTTP/1.1 204 No Content\r\n\r\n"), b"{}"], 204, NULL),
    ("longer than it says", odd('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n"é é"'), 200, "no JSON"),
    ("whole, and more", odd(f"HTTP/1.1 200 OK\r\n{HEAD}\r\n{JSON}more"), 200, JSON),
    (
        "whole, and more later",
        [*odd(f"HTTP/1.1 200 OK\r\n{HEAD}\r\n{JSON[:3]}"), f"{JSON[3:]}more".encode()],
        200,
        JSON,
    ),
    (
        "shorter than it says",
        [*odd(f"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n{JSON}"), HANG_UP],
        200,
        "7 of 8 bytes",
    ),
    ("a phrase in Latin-1", ["HTTP/1.1 200 Déjà vu\r\n".encode("latin-1") + f"{HEAD}\r\n{JSON}".encode()], 200, JSON),
    ("a phrase in UTF-8", odd(f"HTTP/1.1 200 Déjà vu\r\n{HEAD}\r\n{JSON}"), 200, JSON),
    ("no phrase", odd(f"HTTP/1.1 200\r\n{HEAD}\r\n{JSON}"), 200, JSON),
    ("bare newlines", odd(f"HTTP/1.1 200 OK\ncontent-length: 7\n\n{JSON}"), 200, JSON),
    ("two lengths", odd(f"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n{HEAD}\r\n{JSON}"), 200, "Duplicate Content-Length"),
    ("no length", odd("HTTP/1.1 200 OK\r\ncontent-length: \r\n\r\n"), 200, "Empty Content-Length"),
    ("no field", odd(f"HTTP/1.1 200 OK\r\nno colon\r\n{HEAD}\r\n{JSON}"), 200, "Invalid header"),
    ("a broken chunk", odd("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n[1\r\nzz"), 200, "chunk size"),
    ("a broken chunk later", [*odd("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"), b"zz"], 200, "chunk size"),
    ("a status line alone", [b"HTTP/1.1 200 OK\r\n", HANG_UP], 200, "the connection was closed"),
    (
        "interim, then odd",
        odd("HTTP/1.1 103 Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nno colon\r\n\r\n"),
        200,
        "Invalid",
    ),
    ("another version", odd(f"HTTP/2 200 OK\r\n{HEAD}\r\n{JSON}"), 200, "Bad status line"),
    ("refused oddly", odd('HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\n"é é"'), 503, "the source answered 503"),
    ("half a status line", [b"HTTP/1.1 200 O", HANG_UP], None, "the connection was closed"),
    ("an interim answer that is odd", odd("HTTP/1.1 103 Hints\r\nno colon\r\n\r\n"), None, "Invalid header token"),
    ("no HTTP at all", odd("Welcome!\r\n"), None, "Expected HTTP/"),
]


@pytest.mark.parametrize(("pieces", "status"), [pytest.param(*each[1:3], id=each[0]) for each in ODDITIES])
async def test_the_status_line_of_a_receiver_decides_however_odd_the_rest_is(
    post: Call, pieces: list[Piece], status: int | None
) -> None:
    async with raw_server(pieces) as server:
        answer = await asyncio.wait_for(post(server.url), PATIENCE_SECONDS)

    if status is None:
        assert isinstance(answer, FailedForNow)
        assert answer.reason.startswith("the receiver could not be reached: ")
    elif status < 300:
        assert answer == Delivered()
    else:
        assert answer == FailedForNow(f"the receiver answered {status}")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("pieces", "expected"), [pytest.param(each[1], each[3], id=each[0]) for each in ODDITIES])
async def test_a_source_gives_a_result_where_its_body_is_whole_and_else_the_reason(
    http: httpx2.AsyncClient, pieces: list[Piece], expected: str, method: str
) -> None:
    async with raw_server(pieces) as server:
        result = await asyncio.wait_for(fetched(http, server.url, method), PATIENCE_SECONDS)

    assert result == expected if expected in {JSON, NULL} else expected in result


async def test_what_an_odd_refusal_asks_for_is_heard(post: Call) -> None:
    async with raw_server([answer_of("429 Slow", "{}", "retry-after: 7") + b"more"]) as server:
        assert await post(server.url) == FailedForNow("the receiver answered 429", 7)


FLOOD = 1_000_000


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n" * 100, id="header fields"),
        pytest.param(b"HTTP/1.1 200 OK\r\nx: ", b"y" * 600, id="one header field"),
        pytest.param(b"HTTP/1.1 200 ", b"y" * 600, id="phrase"),
        pytest.param(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 20, id="interim answers"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n", b"x: y\r\n" * 100, id="trailer fields"
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;", b"y" * 600, id="chunk extensions"),
    ],
)
async def test_what_is_no_body_is_read_within_bounds(http: httpx2.AsyncClient, begin: bytes, piece: bytes) -> None:
    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(begin)
        try:
            while sent < 100 * FLOOD:
                writer.write(piece)
                sent += len(piece)
                await writer.drain()
        except ConnectionError:
            writer.close()

    async with await asyncio.start_server(flood, "127.0.0.1", 0) as listener:
        url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        error = await asyncio.wait_for(fetched(http, url, "POST"), PATIENCE_SECONDS)
        await turns_of_the_loop()

    assert "timeout" not in error
    # And what the buffers of both sides hold.
    assert sent < 20 * FLOOD
