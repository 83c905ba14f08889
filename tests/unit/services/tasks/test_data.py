"""Task type `data`, against a real HTTP server."""

import asyncio
import dataclasses
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from aiohttp import web
from pydantic import ValidationError

from services.outbound.targets import ACCEPTED
from services.primitives import exact_json
from services.primitives.exact_json import MAX_DEPTH
from services.task_types.task_type import ItemError, TaskContext
from services.tasks.data import TASK_TYPE, DataItem, DataSettings, fetch
from services.worker.task_handler import run_items
from tests.service_fixtures import EndlessAnswer, Handler, Serve

NUMBERS = '{"a":0.877666663555222222,"b":1.10,"c":123456789012345678901234567890,"d":1E-400}'


def item(url: str, **fields: Any) -> DataItem:
    return DataItem.model_validate({"name": "item", "url": url, **fields})


def context_of(http: httpx2.AsyncClient) -> TaskContext[DataSettings]:
    return TaskContext("id", 1, http, DataSettings())


async def json_of(fetched: DataItem, http: httpx2.AsyncClient) -> Any:
    return exact_json.loads(exact_json.dumps(await fetch(fetched, context_of(http))))


async def error_of(fetched: DataItem, http: httpx2.AsyncClient) -> str:
    with pytest.raises(ItemError) as failed:
        await fetch(fetched, context_of(http))
    return str(failed.value)


def answering(body: str | bytes, *, status: int = 200, headers: dict[str, str] | None = None) -> Handler:
    async def answer(_request: web.Request) -> web.Response:
        raw = body.encode() if isinstance(body, str) else body
        return web.Response(body=raw, status=status, headers=headers)

    return answer


@asynccontextmanager
async def beginning(serve: Serve, body: bytes, **response: Any) -> AsyncIterator[str]:
    """Serve answers that begin so, and never end; give the URL."""
    over = asyncio.Event()

    async def begin_and_hang(request: web.Request) -> web.StreamResponse:
        begun = web.StreamResponse(**response)
        await begun.prepare(request)
        await begun.write(body)
        await over.wait()
        return begun

    async with serve(begin_and_hang) as url:
        try:
            yield url
        finally:
            over.set()


@pytest.fixture
def short_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_TIMEOUT_SECONDS", "0.05")


@pytest.mark.parametrize("body", [NUMBERS, "null", "0", '"text"', "[]", '[1.0,{"a":[]}]', '"\\ud83d\\ude00 \\u00e9"'])
async def test_the_json_of_a_source_is_passed_on_exactly(http: httpx2.AsyncClient, serve: Serve, body: str) -> None:
    async with serve(answering(body)) as url:
        assert exact_json.dumps(await fetch(item(url), context_of(http))) == body


async def test_json_is_read_whatever_its_content_type_says_and_with_a_byte_order_mark(
    http: httpx2.AsyncClient, serve: Serve
) -> None:
    async with serve(answering(b"\xef\xbb\xbf[1]", headers={"content-type": "text/html"})) as url:
        assert await json_of(item(url), http) == [1]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, "the source answered 404 Not Found"),
        (500, "the source answered 500 Internal Server Error"),
        (301, "the source answered 301 Moved Permanently"),
        (304, "the source answered 304 Not Modified"),
        (599, "the source answered 599"),
    ],
)
async def test_an_answer_that_is_not_2xx_is_an_error(
    http: httpx2.AsyncClient, serve: Serve, status: int, error: str
) -> None:
    async with serve(answering("{}", status=status)) as url:
        assert (await error_of(item(url), http)).startswith(error)


async def test_a_redirect_is_not_followed(http: httpx2.AsyncClient, serve: Serve) -> None:
    paths: list[str] = []

    async def redirect(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.Response(status=302, headers={"location": "/elsewhere"})

    async with serve(redirect) as url:
        error = await error_of(item(f"{url}/here"), http)

    assert (
        error == f"the source answered 302 Found and redirects to {url}/elsewhere, which is not followed: use that URL"
    )
    assert paths == ["/here"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("<html>", "line 1 column 1"),
        (" ", "line 1 column 2"),
        ('{"a":NaN}', "line 1 column"),
        (b"\xff", "JSON must be UTF-8"),
        ("1" * 5000, "more digits than can be read"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "nested too deeply"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
async def test_an_answer_that_is_no_json_is_an_error(
    http: httpx2.AsyncClient, serve: Serve, body: str | bytes, reason: str
) -> None:
    async with serve(answering(body, headers={"content-type": "text/plain"})) as url:
        error = await error_of(item(url), http)

    assert error.startswith("the source answered no JSON (text/plain): ")
    assert reason in error


@pytest.mark.usefixtures("short_timeout")
async def test_a_source_that_does_not_answer_in_time_is_an_error(http: httpx2.AsyncClient, serve: Serve) -> None:
    over = asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        await over.wait()
        return web.Response()

    async with serve(hang) as url:
        error = await error_of(item(url), http)
        over.set()

    assert error == "timeout: no complete answer within 0.05 seconds"


@pytest.mark.usefixtures("short_timeout")
async def test_the_time_is_that_of_the_whole_answer(http: httpx2.AsyncClient, serve: Serve) -> None:
    async with beginning(serve, b"[1,") as url:
        error = await error_of(item(url), http)

    assert error.startswith("timeout: ")


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """One answer of the tests below has 100 bytes."""
    monkeypatch.setenv("MAX_RESPONSE_BYTES", "100")
    monkeypatch.setenv("MAX_TASK_RESPONSE_BYTES", "250")


def answer_of(size: int) -> str:
    return '"' + "a" * (size - 2) + '"'


TOO_MUCH_TOGETHER = "the answers of the task have more than 250 bytes together (MAX_TASK_RESPONSE_BYTES)"


@pytest.mark.usefixtures("small_limits")
@pytest.mark.parametrize("coding", [web.ContentCoding.identity, web.ContentCoding.gzip])
async def test_an_answer_with_more_bytes_than_max_response_bytes_is_an_error(
    http: httpx2.AsyncClient, serve: Serve, coding: web.ContentCoding
) -> None:
    async def answer(request: web.Request) -> web.Response:
        response = web.Response(text=answer_of(int(request.query["size"])))
        response.enable_compression(coding)
        return response

    async with serve(answer) as url:
        assert await json_of(item(f"{url}/?size=100"), http) == "a" * 98
        error = await error_of(item(f"{url}/?size=101"), http)

    assert error == "the answer has more than 100 bytes (MAX_RESPONSE_BYTES)"


@pytest.mark.usefixtures("small_limits")
async def test_an_answer_without_end_is_not_read_on(http: httpx2.AsyncClient, serve: Serve) -> None:
    endless = EndlessAnswer()
    async with serve(endless.__call__) as url:
        assert "more than 100 bytes" in await error_of(item(url), http)
        await endless.hung_up.wait()


@pytest.mark.usefixtures("small_limits")
@pytest.mark.parametrize("concurrency", [1, 10])
async def test_an_item_beyond_what_a_task_may_bring_is_an_error(
    http: httpx2.AsyncClient, serve: Serve, concurrency: int
) -> None:
    one_by_one = dataclasses.replace(TASK_TYPE, item_concurrency=concurrency)
    async with serve(answering(answer_of(100))) as url:
        results, errors = await run_items(one_by_one, [item(url) for _ in range(20)], context_of(http))

    assert len(results) + len(errors) == 20
    assert len(results) <= 2
    assert {text for error in errors for text in error.values()} == {TOO_MUCH_TOGETHER}


@pytest.mark.usefixtures("small_limits")
async def test_an_item_that_fails_leaves_its_room_to_the_others(http: httpx2.AsyncClient, serve: Serve) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=answer_of(100)[:-1] if request.path == "/broken" else answer_of(100))

    context = context_of(http)
    async with serve(answer) as url:
        for _ in range(5):
            with pytest.raises(ItemError, match="no JSON"):
                await fetch(item(f"{url}/broken"), context)
        for _ in range(2):
            await fetch(item(url), context)
        with pytest.raises(ItemError, match="MAX_TASK_RESPONSE_BYTES"):
            await fetch(item(url), context)

    assert context.held.total == 200


async def test_an_answer_counts_by_what_the_outcome_will_carry(http: httpx2.AsyncClient, serve: Serve) -> None:
    context = context_of(http)
    async with serve(answering(' [ "\u00e9" ,\n 1 ] '.encode())) as url:
        await fetch(item(url), context)

    assert context.held.total == len('["\\u00e9",1]')


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_source_is_asked_for_an_encoding_that_can_be_decoded_unless_the_item_says_otherwise(
    http: httpx2.AsyncClient, serve: Serve, method: str
) -> None:
    async with serve(echo) as url:
        asked = await json_of(item(url, method=method), http)
        chosen = await json_of(item(url, method=method, headers={"Accept-Encoding": "identity"}), http)

    assert asked["headers"]["accept-encoding"] == "gzip"
    assert chosen["headers"]["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("coding", "reason"),
    [
        ("gzip", "it is no gzip, which its content-encoding says it is"),
        ("br", "its content-encoding 'br' cannot be decoded here, only gzip can"),
    ],
)
async def test_an_answer_that_cannot_be_decoded_is_an_error(
    http: httpx2.AsyncClient, serve: Serve, coding: str, reason: str
) -> None:
    async with serve(answering("{}", headers={"content-encoding": coding})) as url:
        assert await error_of(item(url), http) == f"the answer cannot be decoded: {reason}"


@pytest.mark.parametrize(
    ("status", "reason", "headers"),
    [
        (500, "r" * 8000, {}),
        (308, "", {"location": "/" + "l" * 8000}),
        (200, "OK", {"content-type": "t" * 8000}),
    ],
)
async def test_what_a_source_says_does_not_make_its_error_long(
    http: httpx2.AsyncClient, serve: Serve, status: int, reason: str, headers: dict[str, str]
) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, reason=reason, headers=headers, body=b"no")

    async with serve(answer) as url:
        assert len(await error_of(item(url), http)) < 400


async def echo(request: web.Request) -> web.Response:
    return web.json_response(
        {
            "method": request.method,
            "headers": {name.lower(): value for name, value in request.headers.items()},
            "body": (await request.read()).decode(),
        }
    )


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("status", "body"), [(200, b""), (201, b""), (202, b""), (204, b""), (205, b""), (205, b"<html>")]
)
async def test_an_answer_without_content_is_null(
    http: httpx2.AsyncClient, serve: Serve, method: str, status: int, body: bytes
) -> None:
    context = context_of(http)
    async with serve(answering(body, status=status, headers={"content-encoding": "gzip"})) as url:
        results, errors = await run_items(TASK_TYPE, [item(url, method=method)], context)

    assert exact_json.dumps(results) == '[{"item":null}]'
    assert (errors, context.held.total) == ([], len("null"))


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        ('{"title":"Out of credit","detail":"30 are needed."}', ": Out of credit: 30 are needed."),
        ('{"title":"Forbidden","detail":"Not yours."}', ": Not yours."),
        ('{"title":"A\\r\\n  title","detail":1,"status":403}', ": A title"),
        ('{"detail":"see https://u:p4ss@host/?token=s3cr3t"}', ": see https://host/?token=…"),
        ('{"detail":"' + "a" * 10_000 + '"}', ": " + "a" * 300),
        ('{"detail":"' + "a" * 20_000 + '"}', ""),
        ('{"title":""}', ""),
        ("[]", ""),
        ("<html>", ""),
        ("", ""),
    ],
)
async def test_what_an_error_answer_says_of_itself_is_in_the_error(
    http: httpx2.AsyncClient, serve: Serve, problem: str, said: str
) -> None:
    headers = {"content-type": "Application/Problem+JSON; charset=utf-8"}
    async with serve(answering(problem, status=403, headers=headers)) as url:
        assert await error_of(item(url), http) == f"the source answered 403 Forbidden{said}"


@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
async def test_another_error_body_is_not_read(http: httpx2.AsyncClient, serve: Serve, content_type: str) -> None:
    async with serve(answering('{"title":"No"}', status=500, headers={"content-type": content_type})) as url:
        assert await error_of(item(url), http) == "the source answered 500 Internal Server Error"


async def test_a_get_of_an_accepted_task_may_have_a_payload_which_is_not_sent(
    http: httpx2.AsyncClient, serve: Serve
) -> None:
    async with serve(echo) as url:
        fields = {"name": "item", "url": url, "payload": {"page": 1}}
        received = await json_of(DataItem.model_validate(fields, context=ACCEPTED), http)

    assert (received["method"], received["body"]) == ("GET", "")


async def test_the_credentials_of_a_url_go_before_a_header_of_an_accepted_task(
    http: httpx2.AsyncClient, serve: Serve
) -> None:
    async with serve(echo) as url:
        own = {"url": url.replace("//", "//user:pass@"), "headers": {"Authorization": "Bearer t"}}
        received = await json_of(DataItem.model_validate({"name": "item", **own}, context=ACCEPTED), http)

    assert received["headers"]["authorization"] == "Basic dXNlcjpwYXNz"


async def test_an_accepted_item_that_can_never_be_requested_is_an_error(http: httpx2.AsyncClient) -> None:
    fields = {"name": "item", "url": "http://us%3Aer:pass@source/"}
    accepted = DataItem.model_validate(fields, context=ACCEPTED)

    assert (await error_of(accepted, http)).startswith("the URL's user has a colon")


@pytest.mark.parametrize("payload", [{}, []])
async def test_get_is_the_default_and_may_have_a_payload_that_is_empty(
    http: httpx2.AsyncClient, serve: Serve, payload: Any
) -> None:
    async with serve(echo) as url:
        received = await json_of(item(url, payload=payload, headers={"X-Token": "t"}), http)

    assert (received["method"], received["body"]) == ("GET", "")
    assert received["headers"]["x-token"] == "t"


@pytest.mark.parametrize("payload", ['{"page":1.10}', '[{"a":0.877666663555222222},{"b":null}]', "{}", "[]"])
async def test_post_sends_its_payload_as_json_digit_by_digit(
    http: httpx2.AsyncClient, serve: Serve, payload: str
) -> None:
    async with serve(echo) as url:
        received = await json_of(item(url, method="POST", payload=exact_json.loads(payload)), http)

    assert (received["method"], received["body"]) == ("POST", payload)
    assert received["headers"]["content-type"] == "application/json"


async def test_the_content_type_of_the_item_goes_before_the_default(http: httpx2.AsyncClient, serve: Serve) -> None:
    headers = {"Content-Type": "application/vnd.api+json"}
    async with serve(echo) as url:
        received = await json_of(item(url, method="POST", headers=headers), http)

    assert received["headers"]["content-type"] == "application/vnd.api+json"


async def test_a_cookie_of_one_answer_is_not_sent_with_another_request(http: httpx2.AsyncClient, serve: Serve) -> None:
    cookies: list[str | None] = []

    async def set_cookie(request: web.Request) -> web.Response:
        cookies.append(request.headers.get("cookie"))
        return web.json_response({}, headers={"set-cookie": "session=secret; Path=/"})

    async with serve(set_cookie) as url:
        await fetch(item(url), context_of(http))
        await fetch(item(url), context_of(http))

    assert cookies == [None, None]


async def test_one_bad_source_among_good_ones_is_the_only_error_and_the_order_is_the_requests(
    http: httpx2.AsyncClient, serve: Serve, closed_port: int
) -> None:
    answered_last = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/0":
            await answered_last.wait()
        elif request.path == "/4":
            answered_last.set()
        return web.json_response(request.path)

    async with serve(answer) as url:
        urls = [f"{url}/0", f"http://127.0.0.1:{closed_port}/1", f"{url}/2", f"{url}/3", f"{url}/4"]
        items = [item(each, name=f"item-{number}") for number, each in enumerate(urls)]
        results, errors = await run_items(TASK_TYPE, items, context_of(http))

    assert exact_json.dumps(results) == '[{"item-0":"/0"},{"item-2":"/2"},{"item-3":"/3"},{"item-4":"/4"}]'
    assert errors == [{"item-1": f"cannot connect to 127.0.0.1:{closed_port}: Connection refused"}]


async def test_no_more_items_of_a_task_are_fetched_at_a_time_than_data_concurrency(
    http: httpx2.AsyncClient, serve: Serve
) -> None:
    limit = DataSettings().data_concurrency
    under_way: list[int] = [0]
    all_slots_used = asyncio.Event()

    async def count(_request: web.Request) -> web.Response:
        under_way.append(under_way[-1] + 1)
        if under_way[-1] >= limit:
            all_slots_used.set()
        await all_slots_used.wait()
        under_way.append(under_way[-1] - 1)
        return web.json_response({})

    async with serve(count) as url:
        results, _ = await run_items(TASK_TYPE, [item(url) for _ in range(3 * limit)], context_of(http))

    assert len(results) == 3 * limit
    assert max(under_way) == limit


def test_a_data_task_is_not_repeated() -> None:
    assert TASK_TYPE.max_attempts == 1


def test_the_settings_of_the_type_bound_the_concurrency() -> None:
    assert TASK_TYPE.items_at_a_time(DataSettings(data_concurrency=3)) == 3


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"url": "source"}, ("url",)),
        ({"url": "ftp://source/"}, ("url",)),
        ({"method": "PUT"}, ("method",)),
        ({"method": "get"}, ("method",)),
        ({"headers": {"x": 1}}, ("headers", "x")),
        ({"headers": []}, ("headers",)),
        ({"headers": {"Host": "other"}}, ("headers", "Host", "[key]")),
        ({"headers": {"x-token": "a\r\nb: c"}}, ("headers", "x-token")),
        ({"url": "http://127.1:0/"}, ("url",)),
        ({"name": ""}, ("name",)),
        ({"name": "a" * 257}, ("name",)),
        ({"payload": {"page": 1}}, ("payload",)),
        ({"payload": [{}]}, ("payload",)),
        ({"url": "http://user:pass@source/", "headers": {"authorization": "Bearer t"}}, ("headers",)),
        ({"url": "http://source/a b"}, ("url",)),
        ({"method": "POST", "payload": {"a": [Decimal("NaN")]}}, ("payload",)),
        ({"method": "POST", "payload": [{"a": math.inf}]}, ("payload",)),
        ({"timeout": 5}, ("timeout",)),
    ],
)
def test_what_is_no_request_is_refused_at_its_place(fields: dict[str, Any], place: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError) as refused:
        item(**{"url": "http://source/", **fields})
    assert [error["loc"] for error in refused.value.errors()] == [place]


@pytest.mark.parametrize("payload", ["text", 1, None, [1], [[]]])
def test_a_payload_is_an_object_or_a_list_of_objects(payload: object) -> None:
    with pytest.raises(ValidationError, match="payload"):
        item("http://source/", payload=payload)
