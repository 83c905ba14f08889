"""What a function URL makes of requests, and of answers: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tests.integration.services.functions.conftest import Function

HOST = "abc.lambda-url.us-east-1.on.aws"


@dataclass(frozen=True)
class Response:
    """What its caller is answered."""

    status: int
    headers: dict[str, str]
    cookies: list[str]
    body: bytes

    def json(self) -> Any:
        """The JSON that it has."""
        return json.loads(self.body)


def request_of(
    method: str,
    target: str,
    body: str = "",
    headers: Mapping[str, str] = MappingProxyType({}),
    *,
    is_text: bool = False,
) -> dict[str, Any]:
    """The event of a request for a path, with a query or without. A body that is no text comes in base64."""
    path, _, query = target.partition("?")
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"host": HOST, "x-forwarded-proto": "https", "content-type": "application/json", **headers},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "abc",
            "domainName": HOST,
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
        "body": body if is_text else base64.b64encode(body.encode()).decode(),
        "isBase64Encoded": not is_text,
    }


async def response_to(function: Function, event: dict[str, Any]) -> Response:
    """Have it answer a request."""
    answer = await function.invoke(event)
    assert not answer.is_error, answer.body
    response = json.loads(answer.body)
    body = response.get("body", "")
    return Response(
        response["statusCode"],
        response["headers"],
        response.get("cookies", []),
        base64.b64decode(body) if response["isBase64Encoded"] else body.encode(),
    )
