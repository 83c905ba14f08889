"""What the API answers to a task, with a queue that takes everything."""

import gzip
import json
import re
import string
from collections.abc import AsyncIterator
from typing import Any, cast
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from pydantic import HttpUrl
from structlog.testing import capture_logs

from services.api.app import create_app
from services.api.enqueue import EnqueueError, TaskQueue, TaskTooLargeError
from services.api.settings import ApiSettings, ValidationSettings
from services.api.validation_process import ValidationProcess
from services.messages import MAX_BODY_BYTES, decode_task, encode_task
from services.primitives import exact_json
from services.primitives.exact_json import MAX_DEPTH
from services.queueing.message_size import message_bytes
from services.task_types.loading import load_task_types

RECEIVER = "http://receiver:9000/callback"
CALCULATION = "/v1/calculation/basic"
DATA = "/v1/data/from-api"
TASK_TYPES = load_task_types(["services.tasks"])

ITEM = {"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 2}

# They share the process that validates large bodies, which takes most of a second to start, and so its event loop.
pytestmark = pytest.mark.asyncio(loop_scope="module")


class FakeTaskQueue:
    """Keeps what it is given, or refuses it."""

    def __init__(self) -> None:
        self.max_body_bytes = MAX_BODY_BYTES
        self.taken: dict[str, str] = {}
        self.queued: list[dict[str, Any]] = []
        self.refuses: EnqueueError | None = None

    async def enqueue(self, task_id: str, body: str, **queued: Any) -> None:
        if self.refuses:
            raise self.refuses
        self.taken[task_id] = body
        self.queued.append(queued)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def validation() -> AsyncIterator[ValidationProcess]:
    # No setting of the developer's shell is read.
    validation = ValidationProcess(ValidationSettings.model_construct(), longest_wait_seconds=60)
    yield validation
    await validation.close()


@pytest.fixture
def app(validation: ValidationProcess) -> FastAPI:
    app = create_app(ApiSettings(example_receiver_url=HttpUrl(RECEIVER)), TASK_TYPES)
    app.state.validation = validation
    return app


@pytest.fixture
def queue(app: FastAPI) -> FakeTaskQueue:
    queue = FakeTaskQueue()
    app.state.task_queues = {name: cast("TaskQueue", queue) for name in TASK_TYPES}
    return queue


@pytest_asyncio.fixture(loop_scope="module")
async def api(app: FastAPI, queue: FakeTaskQueue) -> AsyncIterator[httpx.AsyncClient]:
    assert app.state.task_queues["calculation"] is queue
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client:
        yield client


async def post(api: httpx.AsyncClient, body: str | bytes, route: str = CALCULATION) -> httpx.Response:
    return await api.post(route, content=body, headers={"content-type": "application/json"})


def calculation(**changes: Any) -> dict[str, Any]:
    return {"callback_url": RECEIVER, "message": [ITEM | changes]}


def calculation_text(num_1: str, more: str = "") -> str:
    """A request with a number as it is written, and further fields of the item."""
    item = f'{{"name":"a","num_1":{num_1},"num_2":1,"operation":"+","result_rounding":2{more}}}'
    return f'{{"callback_url":"{RECEIVER}","message":[{item}]}}'


def places(response: httpx.Response) -> list[list[Any]]:
    assert response.status_code == 422, response.text
    return [error["loc"] for error in response.json()["detail"]]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
async def test_a_task_is_posted(api: httpx.AsyncClient, queue: FakeTaskQueue, method: str) -> None:
    response = await api.request(method, CALCULATION)

    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert not queue.taken


async def test_an_accepted_task_is_answered_in_the_shape_of_the_contract(
    api: httpx.AsyncClient, queue: FakeTaskQueue
) -> None:
    response = await api.post(CALCULATION, json=calculation())

    [task_id] = queue.taken
    assert response.status_code == 200
    assert response.json() == {
        "message": "Processing of your request has started",
        "task_id": task_id,
        "async_job_response_structure": {"results": [{}], "errors": [{}], "task_id": task_id},
    }
    assert str(UUID(task_id)) == task_id


async def test_an_accepted_task_is_one_line_of_the_log(api: httpx.AsyncClient, queue: FakeTaskQueue) -> None:
    with capture_logs() as lines:
        await api.post(CALCULATION, json=calculation())

    [task_id] = queue.taken
    assert lines == [{"event": "accepted", "task_id": task_id, "task_type": "calculation", "log_level": "info"}]


@pytest.mark.parametrize("route", [CALCULATION, DATA])
async def test_the_text_of_the_client_is_queued_untouched(
    api: httpx.AsyncClient, queue: FakeTaskQueue, route: str
) -> None:
    item = f'"name":"é\\u00e9","url":"{RECEIVER}","method":"POST","payload":{{"a":0.877666663555222222}}'
    text = calculation_text("0.877666663555222222") if route == CALCULATION else (
        f'{{ "message":[{{{item}}}],\n"callback_url":"{RECEIVER}" }}'
    )  # fmt: skip

    response = await post(api, text, route)

    body = queue.taken[response.json()["task_id"]]
    assert text in body
    assert exact_json.dumps(decode_task(body).request) == exact_json.dumps(exact_json.loads(text))


async def test_a_task_that_could_not_be_queued_is_not_reported_as_accepted(
    api: httpx.AsyncClient, queue: FakeTaskQueue
) -> None:
    queue.refuses = EnqueueError()

    response = await api.post(CALCULATION, json=calculation())

    assert response.status_code == 500
    assert response.json() == {"detail": "Request processing failed due to an internal error."}


async def test_a_task_that_its_queue_turns_out_not_to_take_is_answered_413_with_its_size(
    api: httpx.AsyncClient, queue: FakeTaskQueue
) -> None:
    queue.refuses = TaskTooLargeError()

    response = await api.post(CALCULATION, json=calculation())

    assert response.status_code == 413
    assert re.fullmatch(
        r"The task takes \d+ bytes as an SQS message, which is more than its queue takes\."
        r" Send fewer or smaller items\.",
        response.json()["detail"],
    )


async def submit(api: httpx.AsyncClient, key: str | None, route: str = CALCULATION) -> str:
    headers = {} if key is None else {"Idempotency-Key": key}
    item = ITEM if route == CALCULATION else {"name": "a", "url": RECEIVER}
    response = await api.post(route, json={"callback_url": RECEIVER, "message": [item]}, headers=headers)
    return str(response.json()["task_id"])


async def test_the_same_idempotency_key_gives_the_same_task_id(api: httpx.AsyncClient) -> None:
    first = await submit(api, "order-7")
    assert str(UUID(first)) == first
    assert await submit(api, "order-7") == first
    assert await submit(api, "order-8") != first
    assert await submit(api, "order-7", DATA) != first


async def test_the_task_id_of_a_key_is_the_same_for_ever(api: httpx.AsyncClient) -> None:
    assert await submit(api, "order-7") == "a034f63a-3df4-5fee-a277-f8fdfdc39f51"


async def test_tasks_without_an_idempotency_key_have_different_ids(api: httpx.AsyncClient) -> None:
    assert await submit(api, None) != await submit(api, None)


async def test_a_repeat_after_a_500_is_queued_under_the_same_task_id(
    api: httpx.AsyncClient, queue: FakeTaskQueue
) -> None:
    headers = {"Idempotency-Key": "order-7"}
    queue.refuses = EnqueueError()
    assert (await api.post(CALCULATION, json=calculation(), headers=headers)).status_code == 500
    queue.refuses = None
    task_ids = {(await api.post(CALCULATION, json=calculation(), headers=headers)).json()["task_id"] for _ in range(2)}
    assert task_ids == set(queue.taken)


@pytest.mark.parametrize("key", ["x", "x" * 255, '"8e03978e-40d5-43e8-bc93-6894a57f9324"', "!~"])
async def test_an_idempotency_key_has_1_to_255_visible_ascii_characters(api: httpx.AsyncClient, key: str) -> None:
    response = await api.post(CALCULATION, json=calculation(), headers={"Idempotency-Key": key})
    assert response.status_code == 200


@pytest.mark.parametrize("key", [b"", b"x" * 256, b"a key", b"caf\xe9", b"\x7f"])
async def test_any_other_idempotency_key_is_answered_422(
    api: httpx.AsyncClient, queue: FakeTaskQueue, key: bytes
) -> None:
    response = await api.post(CALCULATION, json=calculation(), headers={b"Idempotency-Key": key})
    assert places(response) == [["header", "Idempotency-Key"]]
    assert queue.taken == {}


ALL_OF_SQS = string.ascii_letters + string.digits + string.punctuation


@pytest.mark.parametrize("group", ["x", "x" * 128, "tenant-7", ALL_OF_SQS])
async def test_a_message_group_is_1_to_128_characters_as_sqs_has_them_and_goes_to_the_queue(
    api: httpx.AsyncClient, queue: FakeTaskQueue, group: str
) -> None:
    response = await api.post(CALCULATION, json=calculation(), headers={"Message-Group-Id": group})
    assert response.status_code == 200
    assert queue.queued == [{"delay_seconds": 0, "message_group_id": group}]


@pytest.mark.parametrize("group", [b"", b"x" * 129, b"a tenant", b"caf\xe9", b"\x7f", b"a\tb"])
async def test_any_other_message_group_is_answered_422(
    api: httpx.AsyncClient, queue: FakeTaskQueue, group: bytes
) -> None:
    response = await api.post(CALCULATION, json=calculation(), headers={b"Message-Group-Id": group})
    assert places(response) == [["header", "Message-Group-Id"]]
    assert queue.taken == {}


@pytest.mark.parametrize(("text", "seconds"), [("0", 0), ("1", 1), ("900", 900), ("007", 7), (" 5\t", 5)])
async def test_a_delay_is_0_to_900_whole_seconds_and_goes_to_the_queue_and_into_the_message(
    api: httpx.AsyncClient, queue: FakeTaskQueue, text: str, seconds: int
) -> None:
    response = await api.post(CALCULATION, json=calculation(), headers={"Delay-Seconds": text})
    assert response.status_code == 200
    assert queue.queued == [{"delay_seconds": seconds, "message_group_id": None}]
    [body] = queue.taken.values()
    assert decode_task(body).delay_seconds == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "901",
        "1.5",
        "5.0",
        "+5",
        "1e2",
        "1_0",
        "0x10",
        "5 s",
        "soon",
        "null",
        "NaN",
        "9" * 5000,
        "\u00b2",
        "\u0665",
    ],
    ids=ascii,
)
async def test_any_other_delay_is_answered_422(api: httpx.AsyncClient, queue: FakeTaskQueue, text: str) -> None:
    response = await api.post(CALCULATION, json=calculation(), headers={b"Delay-Seconds": text.encode()})
    assert response.status_code == 422
    assert places(response) == [["header", "Delay-Seconds"]]
    assert queue.taken == {}


async def test_what_says_neither_is_queued_at_once_in_no_group_and_as_it_always_was(
    api: httpx.AsyncClient, queue: FakeTaskQueue
) -> None:
    assert (await api.post(CALCULATION, json=calculation())).status_code == 200
    assert queue.queued == [{"delay_seconds": 0, "message_group_id": None}]
    [body] = queue.taken.values()
    assert "delay" not in body


async def test_each_header_that_is_wrong_is_named(api: httpx.AsyncClient) -> None:
    wrong = {"Idempotency-Key": "a key", "Message-Group-Id": "a tenant", "Delay-Seconds": "soon"}
    response = await api.post(CALCULATION, json=calculation(), headers=wrong)
    assert response.status_code == 422
    assert places(response) == [["header", name] for name in wrong]


@pytest.mark.parametrize("name", ["Idempotency-Key", "Message-Group-Id", "Delay-Seconds"])
async def test_a_header_that_comes_twice_is_refused_as_which_of_them_counts_nobody_knows(
    api: httpx.AsyncClient, queue: FakeTaskQueue, name: str
) -> None:
    response = await api.post(CALCULATION, json=calculation(), headers=[(name, "1"), (name, "2")])
    assert places(response) == [["header", name]]
    assert queue.taken == {}


async def test_a_repeat_with_the_same_key_may_have_another_group_and_delay(
    api: httpx.AsyncClient, queue: FakeTaskQueue
) -> None:
    key = {"Idempotency-Key": "order-7"}
    for more in ({"Message-Group-Id": "a", "Delay-Seconds": "5"}, {}):
        await api.post(CALCULATION, json=calculation(), headers={**key, **more})
    assert len(queue.taken) == 1
    assert queue.queued == [
        {"delay_seconds": 5, "message_group_id": "a"},
        {"delay_seconds": 0, "message_group_id": None},
    ]


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        ({}, {}),
        ({"Delay-Seconds": "0"}, {}),
        (
            {"Message-Group-Id": "tenant-7", "Delay-Seconds": "30"},
            {"message_group_id": "tenant-7", "delay_seconds": 30},
        ),
    ],
)
async def test_the_line_of_an_accepted_task_has_its_group_and_delay_where_there_are_some(
    api: httpx.AsyncClient, headers: dict[str, str], fields: dict[str, Any]
) -> None:
    with capture_logs() as logged:
        await api.post(CALCULATION, json=calculation(), headers=headers)
    [line] = [line for line in logged if line["event"] == "accepted"]
    assert {name: line[name] for name in line.keys() - {"event", "log_level", "task_id", "task_type"}} == fields


@pytest.mark.parametrize(
    ("request_body", "place"),
    [
        (calculation(num_1="1"), ["body", "message", 0, "num_1"]),
        (calculation(operation="%"), ["body", "message", 0, "operation"]),
        (calculation(result_rounding=13), ["body", "message", 0, "result_rounding"]),
        (calculation(nmu_1=1), ["body", "message", 0, "nmu_1"]),
        ({"callback_url": RECEIVER, "message": []}, ["body", "message"]),
        ({"callback_url": RECEIVER, "message": [ITEM] * 1001}, ["body", "message"]),
        ({"callback_url": RECEIVER}, ["body", "message"]),
        ({"message": [ITEM]}, ["body", "callback_url"]),
        ({**calculation(), "callback_url": "receiver"}, ["body", "callback_url"]),
        ({**calculation(), "priority": 1}, ["body", "priority"]),
        ([], ["body"]),
        (None, ["body"]),
        ("text", ["body"]),
    ],
)
async def test_what_is_malformed_is_answered_422_with_its_place_and_not_queued(
    api: httpx.AsyncClient, queue: FakeTaskQueue, request_body: Any, place: list[Any]
) -> None:
    response = await post(api, json.dumps(request_body))

    assert places(response) == [place]
    assert set(response.json()["detail"][0]) >= {"type", "loc", "msg"}
    assert queue.taken == {}


async def test_a_url_that_shows_a_forbidden_target_is_answered_422_with_its_place_and_the_reason(
    api: httpx.AsyncClient, queue: FakeTaskQueue
) -> None:
    forbidden = "http://2130706433:80/"

    callback = await api.post(CALCULATION, json={**calculation(), "callback_url": forbidden})
    source = await api.post(DATA, json={"callback_url": RECEIVER, "message": [{"name": "a", "url": forbidden}]})

    assert (places(callback), places(source)) == ([["body", "callback_url"]], [["body", "message", 0, "url"]])
    assert callback.json()["detail"][0] == {
        "type": "forbidden_target",
        "loc": ["body", "callback_url"],
        "msg": "127.0.0.1:80 is not public, and ALLOWED_PRIVATE_TARGETS does not list it",
        "input": forbidden,
    }
    assert queue.taken == {}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e999999999", "1" * 400])
async def test_a_number_that_is_not_finite_is_answered_422_with_its_place(api: httpx.AsyncClient, number: str) -> None:
    assert places(await post(api, calculation_text(number))) == [["body", "message", 0, "num_1"]]


async def test_the_input_at_fault_is_named_where_it_is_no_object_and_no_list(api: httpx.AsyncClient) -> None:
    async def named(more: str) -> object:
        [error] = (await post(api, calculation_text("1", f',"x":{more}'))).json()["detail"]
        return error.get("input", "unnamed")

    assert [await named(value) for value in ('"text"', "1", "true", "null", "NaN", "1.50", "1e999999999")] == [
        "text", 1, True, None, "nan", "1.50", "1E+999999999"
    ]  # fmt: skip
    assert [await named(value) for value in ("[]", "{}", '[{"a":1}]')] == ["unnamed"] * 3


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 500, 1000, 5000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
async def test_what_is_nested_too_deeply_is_answered_422(
    api: httpx.AsyncClient, depth: int, opening: str, closing: str
) -> None:
    deep = opening * depth + ("1" if opening != "[" else "") + closing * depth
    payload = f'{{"callback_url":"{RECEIVER}","message":[{{"name":"a","url":"{RECEIVER}","payload":{deep}}}]}}'

    for response in (await post(api, deep), await post(api, payload, DATA)):
        [error] = response.json()["detail"]
        assert (error["type"], error["ctx"]) == ("json_invalid", {"error": "JSON is nested too deeply"})


async def test_what_is_nested_deeply_and_at_fault_is_answered_422(api: httpx.AsyncClient) -> None:
    depth = MAX_DEPTH - 3

    response = await post(api, calculation_text("1", ',"x":' + "[" * depth + "]" * depth))

    assert places(response) == [["body", "message", 0, "x"]]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"callback_url":"\xff"}',
        b"\xff\xfe{\x00}\x00",
        calculation_text("1" * 5000).encode(),
        calculation_text("1e" + "9" * 30).encode(),
        calculation_text("01").encode(),
        calculation_text("1").encode() + b"}",
        b"\xc3\xaf\xc2\xbb\xc2\xbf" + calculation_text("1").encode(),
        calculation_text("1", ',"\\ud800":"\\ud800"').encode(),
        calculation_text("1").encode("utf-16"),
    ],
)
async def test_a_body_that_is_no_json_request_is_answered_422(
    api: httpx.AsyncClient, queue: FakeTaskQueue, body: bytes
) -> None:
    assert places(await post(api, body))
    assert queue.taken == {}


async def test_a_byte_order_mark_is_passed_over(api: httpx.AsyncClient, queue: FakeTaskQueue) -> None:
    response = await post(api, b"\xef\xbb\xbf" + calculation_text("1.10").encode())

    task = decode_task(queue.taken[response.json()["task_id"]])
    assert exact_json.dumps(task.request["message"][0]["num_1"]) == "1.10"


@pytest.mark.parametrize(
    ("content_type", "fault"),
    [
        (None, "which is missing"),
        ("application/x-www-form-urlencoded", "not 'application/x-www-form-urlencoded'"),
        ("text/plain", "not 'text/plain'"),
        ("text/json", "not 'text/json'"),
        ("application/jsonp", "not 'application/jsonp'"),
    ],
)
async def test_a_task_that_is_not_sent_as_json_is_answered_415_with_the_header_to_send(
    api: httpx.AsyncClient, queue: FakeTaskQueue, content_type: str | None, fault: str
) -> None:
    headers = {} if content_type is None else {"content-type": content_type}

    response = await api.post(CALCULATION, content=calculation_text("1").encode(), headers=headers)

    assert (response.status_code, response.headers["accept"]) == (415, "application/json")
    assert response.json() == {
        "detail": f"Send the task as JSON, with the header Content-Type: application/json, {fault}."
    }
    assert queue.taken == {}


@pytest.mark.parametrize("encoding", ["gzip", "br, gzip", "x"])
async def test_a_task_that_is_compressed_is_answered_415_with_what_to_do(
    api: httpx.AsyncClient, queue: FakeTaskQueue, encoding: str
) -> None:
    headers = {"content-type": "application/json", "content-encoding": encoding}

    response = await api.post(CALCULATION, content=gzip.compress(calculation_text("1").encode()), headers=headers)

    assert (response.status_code, response.headers["accept-encoding"]) == (415, "identity")
    assert response.json() == {"detail": f"Send the task as it is, without Content-Encoding: {encoding}."}
    assert queue.taken == {}


async def test_the_identity_encoding_is_none(api: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json", "content-encoding": "Identity"}
    assert (await api.post(CALCULATION, content=calculation_text("1"), headers=headers)).status_code == 200


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON", "application/x+json"])
async def test_every_name_of_json_is_taken(api: httpx.AsyncClient, queue: FakeTaskQueue, content_type: str) -> None:
    headers = {"content-type": content_type, "idempotency-key": "order-7"}

    response = await api.post(CALCULATION, content=calculation_text("1.10"), headers=headers)

    assert response.json()["task_id"] == "a034f63a-3df4-5fee-a277-f8fdfdc39f51"
    [body] = queue.taken.values()
    assert calculation_text("1.10") in body


def request_of_size(size: int) -> bytes:
    text = calculation_text("1", ' "').encode()
    return calculation_text("1", " " * (size - len(text) + 2)).encode()


def largest_request() -> bytes:
    envelope = message_bytes(encode_task(str(UUID(int=0)), "calculation", ""), {})
    return request_of_size(MAX_BODY_BYTES - envelope)


async def test_the_largest_task_that_sqs_takes_is_accepted(api: httpx.AsyncClient, queue: FakeTaskQueue) -> None:
    response = await post(api, largest_request())

    assert response.status_code == 200
    assert message_bytes(queue.taken[response.json()["task_id"]], {}) == MAX_BODY_BYTES


async def test_a_task_that_is_too_large_in_its_envelope_is_answered_413(
    api: httpx.AsyncClient, queue: FakeTaskQueue
) -> None:
    response = await post(api, largest_request() + b" ")

    assert response.status_code == 413
    assert response.json() == {
        "detail": f"The task takes {MAX_BODY_BYTES + 1} bytes as an SQS message"
        f" and the limit is {MAX_BODY_BYTES} bytes."
        " Send fewer or smaller items."
    }
    assert queue.taken == {}


async def test_a_body_that_says_that_it_is_too_large_is_answered_413_unread(app: FastAPI, queue: FakeTaskQueue) -> None:
    async def never_read() -> dict[str, Any]:
        raise AssertionError("the body was read")

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"content-length", b"5000000")]
    scope = {"type": "http", "method": "POST", "path": CALCULATION, "query_string": b"", "headers": headers}
    await app({**scope, "app": app}, never_read, send)

    assert sent[0]["status"] == 413
    assert f"The task takes 5000000 bytes as an SQS message and the limit is {MAX_BODY_BYTES}" in str(sent[1]["body"])
    assert queue.taken == {}


async def test_a_body_in_chunks_is_not_read_on_once_it_is_too_large(api: httpx.AsyncClient) -> None:
    chunks_read: list[int] = []

    async def chunks() -> AsyncIterator[bytes]:
        for number in range(100):
            chunks_read.append(number)
            yield b" " * 100_000

    response = await api.post(CALCULATION, content=chunks(), headers={"content-type": "application/json"})

    assert response.status_code == 413
    detail = response.json()["detail"]
    assert re.match(
        rf"The task takes more than {MAX_BODY_BYTES} bytes .* the limit is {MAX_BODY_BYTES} bytes\.", detail
    )


async def test_a_task_may_be_as_large_as_its_queues_say(api: httpx.AsyncClient, queue: FakeTaskQueue) -> None:
    envelope = message_bytes(encode_task(str(UUID(int=0)), "calculation", ""), {})
    queue.max_body_bytes = 100_000

    assert (await post(api, request_of_size(100_000 - envelope))).status_code == 200
    for size in (100_001 - envelope, 100_001):
        refused = await post(api, request_of_size(size))
        assert refused.status_code == 413
        assert "the limit is 100000 bytes" in refused.json()["detail"]


async def test_the_examples_of_the_documentation_run_as_they_are(api: httpx.AsyncClient, queue: FakeTaskQueue) -> None:
    paths = (await api.get("/openapi.json")).json()["paths"]

    for route in (CALCULATION, DATA):
        [example] = paths[route]["post"]["requestBody"]["content"]["application/json"]["examples"].values()
        assert example["value"]["callback_url"] == RECEIVER
        assert (await api.post(route, json=example["value"])).status_code == 200
    assert len(queue.taken) == 2


async def test_the_example_of_a_calculation_is_the_one_of_the_contract(api: httpx.AsyncClient) -> None:
    document = exact_json.loads((await api.get("/openapi.json")).content)

    content = document["paths"][CALCULATION]["post"]["requestBody"]["content"]["application/json"]
    shown = [[str(each) for each in item.values()] for item in content["examples"]["example"]["value"]["message"]]
    assert shown == [
        ["calc_0", "123", "0.75647", "+", "2"],
        ["calc_1", "785687256", "0.75647", "-", "4"],
        ["calc_2", "0.877666663555222222", "1000", "*", "-1"],
        ["calc_3", "1", "0", "/", "0"],
    ]


@pytest.mark.parametrize("route", [CALCULATION, DATA])
async def test_the_documentation_names_each_answer_of_the_contract(api: httpx.AsyncClient, route: str) -> None:
    operation = (await api.get("/openapi.json")).json()["paths"][route]["post"]

    assert set(operation["responses"]) == {"200", "408", "413", "415", "422", "500", "503"}
    assert "Retry-After" in operation["responses"]["503"]["headers"]
