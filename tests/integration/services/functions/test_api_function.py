"""The API as a function behind a function URL, whose events are those of AWS's HTTP APIs, version 2.0."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.messages import MAX_BODY_BYTES, decode_task
from tests.integration.services.conftest import Broker
from tests.integration.services.functions.conftest import Function, running_function

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


def request_of(method: str, path: str, body: str = "", **headers: str) -> dict[str, Any]:
    """What a function URL makes of a request: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "abc.lambda-url.us-east-1.on.aws", "content-type": "application/json", **headers},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "abc",
            "domainName": "abc.lambda-url.us-east-1.on.aws",
            "domainPrefix": "abc",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "123.123.123.123",
                "userAgent": "agent",
            },
            "requestId": "id",
            "routeKey": "$default",
            "stage": "$default",
            "time": "12/Mar/2020:19:03:58 +0000",
            "timeEpoch": 1583348638390,
        },
        "body": base64.b64encode(body.encode()).decode(),
        "isBase64Encoded": True,
    }


def submission(items: str = ITEM) -> str:
    return f'{{"callback_url":"https://example.com/callback","message":[{items}]}}'


async def answer_to(api: Function, event: dict[str, Any]) -> tuple[int, Any]:
    answer = await api.invoke(event)
    assert not answer.is_error, answer.body
    response = json.loads(answer.body)
    body = base64.b64decode(response["body"]).decode() if response["isBase64Encoded"] else response["body"]
    return response["statusCode"], json.loads(body) if "json" in response["headers"]["content-type"] else body


async def test_a_task_is_accepted_and_queued_to_the_digit(broker: Broker, api: Function) -> None:
    status, answer = await answer_to(
        api, request_of("POST", ROUTE, submission(), **{"x-api-key": "a-key-of-the-tests"})
    )

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

    status, answer = await answer_to(api, request_of("POST", ROUTE, submission(many), **key))
    assert status == 200, answer
    status, answer = await answer_to(api, request_of("POST", ROUTE, submission(",".join(["{}"] * 900)), **key))
    assert (status, answer["more_errors"] > 0) == (422, True)
    status, _ = await answer_to(api, request_of("POST", ROUTE, " " * (MAX_BODY_BYTES + 1), **key))
    assert status == 413

    assert await broker.in_queue("calculation") == (1, 0)


@pytest.mark.parametrize("path", ["/", "/healthcheck", "/readyz", "/openapi.json", "/docs", "/redoc"])
async def test_its_pages_are_served(api: Function, path: str) -> None:
    status, _ = await answer_to(api, request_of("GET", path))

    assert status == 200


async def test_a_queue_that_is_gone_is_a_500_and_the_function_lives(broker: Broker, api: Function) -> None:
    key = {"x-api-key": "a-key-of-the-tests"}
    await broker.delete("calculation")

    status, answer = await answer_to(api, request_of("POST", ROUTE, submission(), **key))

    assert (status, answer) == (500, {"detail": "Request processing failed due to an internal error."})
    pid = api.runtime.pid
    assert (await answer_to(api, request_of("GET", "/healthcheck")))[0] == 200
    assert api.runtime.pid == pid
