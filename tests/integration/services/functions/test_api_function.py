"""The API as a function behind a function URL, whose events are those of AWS's HTTP APIs, version 2.0."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.messages import MAX_BODY_BYTES, decode_task, max_body_bytes
from tests.integration.services.conftest import Broker
from tests.integration.services.functions.conftest import Function, running_function
from tests.integration.services.functions.function_url import request_of, response_to

HANDLER = "services.api.aws_lambda.handler"
KEY = "a key of the tests"
ROUTE = "/v1/calculation/basic"
NUMBER = "12345678901234567890.123"
ITEM = f'{{"name":"a","num_1":{NUMBER},"num_2":2,"operation":"+","result_rounding":0}}'


@pytest.fixture
def api(broker: Broker, tmp_path: Path) -> Iterator[Function]:
    settings = {**broker.environment, "api_keys": KEY.replace(" ", "-")}
    with running_function(HANDLER, settings, tmp_path) as function:
        yield function


def submission(items: str = ITEM) -> str:
    return f'{{"callback_url":"https://example.com/callback","message":[{items}]}}'


async def answer_to(api: Function, event: dict[str, Any]) -> tuple[int, Any]:
    response = await response_to(api, event)
    return response.status, response.json() if "json" in response.headers["content-type"] else response.body


async def test_a_task_is_accepted_and_queued_to_the_digit(broker: Broker, api: Function) -> None:
    status, answer = await answer_to(api, request_of("POST", ROUTE, submission(), {"x-api-key": "a-key-of-the-tests"}))

    assert status == 200
    [message] = await broker.take("calculation")
    assert decode_task(message.body).task_id == answer["task_id"]
    assert NUMBER in message.body


async def test_who_sends_no_key_is_refused(broker: Broker, api: Function) -> None:
    status, _ = await answer_to(api, request_of("POST", ROUTE, submission()))

    assert status == 401
    assert await broker.in_queue("calculation") == (0, 0)


async def test_a_large_body_is_validated_and_one_that_is_too_large_is_refused(broker: Broker, api: Function) -> None:
    key = {"x-api-key": "a-key-of-the-tests"}
    many = ",".join(ITEM.replace('"a"', f'"{n}"') for n in range(900))

    status, answer = await answer_to(api, request_of("POST", ROUTE, submission(many), key))
    assert status == 200, answer
    status, answer = await answer_to(api, request_of("POST", ROUTE, submission(",".join(["{}"] * 900)), key))
    assert (status, answer["more_errors"] > 0) == (422, True)
    status, _ = await answer_to(api, request_of("POST", ROUTE, " " * (MAX_BODY_BYTES + 1), key))
    assert status == 413

    assert await broker.in_queue("calculation") == (1, 0)


async def test_a_task_may_be_as_large_as_its_queue_said_when_the_function_was_started(
    broker: Broker, tmp_path: Path
) -> None:
    await broker.set_attributes("calculation", MaximumMessageSize="262144")
    limit = max_body_bytes(262_144)

    with running_function(HANDLER, {**broker.environment, "api_keys": "a-key-of-the-tests"}, tmp_path) as api:
        large = request_of("POST", ROUTE, submission() + " " * limit, {"x-api-key": "a-key-of-the-tests"})
        status, answer = await answer_to(api, large)

    assert (status, f"the limit is {limit} bytes" in answer["detail"]) == (413, True)


@pytest.mark.parametrize("path", ["/", "/healthcheck", "/readyz", "/openapi.json", "/docs", "/redoc"])
async def test_its_pages_are_served(api: Function, path: str) -> None:
    status, _ = await answer_to(api, request_of("GET", path))

    assert status == 200


async def test_a_queue_that_is_gone_is_a_500_and_the_function_lives(broker: Broker, api: Function) -> None:
    key = {"x-api-key": "a-key-of-the-tests"}
    await broker.delete("calculation")

    status, answer = await answer_to(api, request_of("POST", ROUTE, submission(), key))

    assert (status, answer) == (500, {"detail": "Request processing failed due to an internal error."})
    pid = api.runtime.pid
    assert (await answer_to(api, request_of("GET", "/healthcheck")))[0] == 200
    assert api.runtime.pid == pid
