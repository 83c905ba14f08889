"""What a function URL of Lambda makes of requests, and of answers, as far as the function of the API reads it.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

import base64
import json
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

# Those of one connection (RFC 9110, section 7.6.1), which end where it ends.
_OF_THE_CONNECTION = frozenset(("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"))


def event_of(request: Request, body: bytes, host: str) -> dict[str, Any]:
    """Return the event of a request. `host`, and its port, is what the URL has: the request's own Host says nothing."""
    path = request.scope["raw_path"].decode("latin-1")
    source_ip = request.client.host if request.client else ""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": request.scope["query_string"].decode("latin-1"),
        "headers": {
            **_joined(request.headers),
            "host": host,
            "x-forwarded-for": source_ip,
            "x-forwarded-proto": "http",
            "x-forwarded-port": host.rpartition(":")[2],
        },
        "requestContext": {
            "domainName": host,
            "http": {
                "method": request.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": source_ip,
                "userAgent": request.headers.get("user-agent", ""),
            },
        },
        **_encoded(body),
    }


def response_of(payload: bytes) -> Response:
    """Return the response that a function's answer has."""
    answer = json.loads(payload)
    body = answer.get("body", "")
    content = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
    response = Response(content, answer["statusCode"], answer.get("headers"))
    for cookie in answer.get("cookies", []):
        response.headers.append("set-cookie", cookie)
    return response


def _joined(headers: Headers) -> dict[str, str]:
    """Return the header fields of a request, those of one name as one."""
    return {name: ",".join(headers.getlist(name)) for name in headers if name not in _OF_THE_CONNECTION}


def _encoded(body: bytes) -> dict[str, Any]:
    try:
        return {"body": body.decode(), "isBase64Encoded": False}
    except UnicodeDecodeError:
        return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
