"""Whatever goes wrong with a request, no reason and no log line has the credentials of its URL."""

import asyncio
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx2
import pytest
from structlog.testing import capture_logs

from services.delivery.answers import FailedForNow
from services.delivery.callback_client import CallbackClient
from services.delivery.settings import DeliverySettings
from services.messages import TaskMessage, failure_outcome, success_outcome
from services.outbound.http_client import HTTP_ERRORS, TargetSessions
from services.queueing.dead_letter import dead_letter_attributes
from services.queueing.decisions import DeadLetter, RetryPolicy, decide_after_failure
from services.task_types.task_type import ItemError, TaskContext, TaskItem, TaskType
from services.tasks.data import TASK_TYPE, DataItem, DataSettings
from services.telemetry.redaction import without_secrets
from services.worker.task_handler import run_items

PASSWORD, TOKEN = "p4ssw0rd", "s3cr3t't0k3n"  # made up

# What a server sends before it closes the connection.
ANSWERS = {
    "nothing": b"",
    "no status line": b"hello\r\n\r\n",
    "another protocol": b"\x15\x03\x01\x00\x02\x02\x16",
    "a header without colon": b"HTTP/1.1 200 OK\r\nhello\r\n\r\n",
    "two lengths": b"HTTP/1.1 500 No\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    "a length that is none": b"HTTP/1.1 200 OK\r\ncontent-length: 1.5\r\n\r\n",
    "a line that is too long": b"HTTP/1.1 200 " + b"a" * 100_000 + b"\r\n\r\n",
    "a head that breaks off": b"HTTP/1.1 200 OK\r\ncontent-",
    "a body that breaks off": b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{",
    "a chunk that is none": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    "gzip that is none": b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}",
    "a redirect to itself": b"HTTP/1.1 308 No\r\nlocation: {url}\r\ncontent-length: 0\r\n\r\n",
    "no JSON": b"HTTP/1.1 200 OK\r\ncontent-type: text/{url}\r\ncontent-length: 2\r\n\r\nno",
    "a reason with the URL": b"HTTP/1.1 abc {url}\r\n\r\n",
}


@asynccontextmanager
async def server_of(answer: bytes) -> AsyncIterator[str]:
    """Give the URL of a server, with credentials, that answers so."""
    url = ""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer.replace(b"{url}", url.encode()))
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"http://user:{PASSWORD}@127.0.0.1:{port}/?api_key={TOKEN}&next=http://u:{PASSWORD}@b/"
        yield url


def assert_no_credentials_in(*texts: str) -> None:
    for text in texts:
        assert PASSWORD not in text
        assert not any(part in text for part in TOKEN.split("'"))


@pytest.fixture(params=[*ANSWERS.values(), None], ids=[*ANSWERS, "nobody listens"])
async def url(request: pytest.FixtureRequest, closed_port: int) -> AsyncIterator[str]:
    if request.param is None:
        yield f"http://user:{PASSWORD}@127.0.0.1:{closed_port}/?api_key={TOKEN}"
    else:
        async with server_of(request.param) as served:
            yield served


def task_for(url: str) -> TaskMessage:
    return TaskMessage("id", "data", url, {"callback_url": url, "message": []}, 1.0)


async def test_of_a_callback(url: str, sessions: TargetSessions) -> None:
    with capture_logs() as logged:
        answer = await CallbackClient(sessions, DeliverySettings()).post(success_outcome(task_for(url), [], []))

    if isinstance(answer, FailedForNow):
        assert_no_credentials_in(answer.reason)
    assert_no_credentials_in(str(logged))


async def test_of_a_data_item(url: str, http: httpx2.AsyncClient) -> None:
    item = DataItem.model_validate({"name": "a", "url": url})

    results, errors = await run_items(TASK_TYPE, [item], TaskContext("id", 1, http, DataSettings()))

    assert (len(results), len(errors)) == (0, 1)
    assert_no_credentials_in(str(errors))


async def test_of_a_task_types_own_request(url: str, http: httpx2.AsyncClient) -> None:
    try:
        (await http.get(url)).raise_for_status().json()
    except (*HTTP_ERRORS, ValueError) as failed:
        error = failed
    decision = decide_after_failure(error, 1, RetryPolicy(1, (1,)), 0.5, {})

    assert isinstance(decision, DeadLetter)
    attributes = dead_letter_attributes(decision.reason, 1, "data", decision.trace)
    outcome = failure_outcome(task_for("http://receiver/"), decision.reason)
    assert_no_credentials_in(outcome.body, *attributes.values())
    assert_no_credentials_in(without_secrets("".join(traceback.format_exception(error))))


async def test_of_an_item_whose_task_type_passes_on_what_a_library_says(url: str, http: httpx2.AsyncClient) -> None:
    async def run(_item: TaskItem, context: TaskContext) -> None:
        try:
            (await context.http.get(url)).raise_for_status().json()
        except (*HTTP_ERRORS, ValueError) as error:
            raise ItemError(f"{error!r} at {url}") from error

    task_type = TaskType(name="own", route="/own", summary="", item=TaskItem, run=run, example=[])

    _, errors = await run_items(task_type, [TaskItem(name="a")], TaskContext("id", 1, http))

    assert_no_credentials_in(str(errors))


def test_the_request_itself_is_the_clients_and_is_reported_as_it_was() -> None:
    url = f"http://receiver/?token={TOKEN}"

    assert url in failure_outcome(task_for(url), "no").body
