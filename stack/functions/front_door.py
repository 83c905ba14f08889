"""`python -m stack.functions.front_door`: the function URL of the API, at the port that the API has in every mode.

It stands in for LocalStack's own function URLs, whose names no resolver of a machine knows, and which decode bodies and
answer some paths themselves: each request becomes the event that AWS would make of it, and invokes the function.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import uvicorn
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from aiohttp import ClientError as BrokenAnswerError
from botocore.exceptions import BotoCoreError, ClientError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from stack.functions.function_url import event_of, response_of
from web.http_protocol import BoundedHttpProtocol

HOST = "127.0.0.1"

MOST_AT_A_TIME = 8
"""Requests that are at the function at a time, the others wait in order: each has a process of its own there."""

LARGEST_BODY_BYTES = 6 * 1024 * 1024
"""As much as a function URL takes: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

LONGEST_INVOCATION_SECONDS = 900
"""https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html; the function's own timeout is for LocalStack
to keep."""

_CONNECT_TIMEOUT_SECONDS = 5

# As the API's own (services/api/__main__.py).
_KEEP_ALIVE_SECONDS = 75


class FrontDoor:
    """An ASGI application that has a function answer each request."""

    def __init__(self, lambda_client: Any, function: str, host: str) -> None:
        """`host`, with its port, is the one that the function is told it has."""
        self._lambda = lambda_client
        self._function = function
        self._host = host
        self._places = asyncio.Semaphore(MOST_AT_A_TIME)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            body = await _read(request)
        except ClientDisconnect:
            return _refusal(400, "The request did not come as a whole.")
        if body is None:
            return _refusal(413, f"The request has more than {LARGEST_BODY_BYTES} bytes, which no function URL takes.")
        return await self._invoke(event_of(request, body, self._host))

    async def _invoke(self, event: dict[str, Any]) -> Response:
        try:
            async with self._places:
                answer = await self._lambda.invoke(FunctionName=self._function, Payload=json.dumps(event))
                payload = await answer["Payload"].read()
        except ClientError as error:
            return _refused_invocation(error)
        except (BotoCoreError, BrokenAnswerError) as error:
            return _refusal(502, f"LocalStack does not answer: {error}")
        if "FunctionError" in answer:
            return _refusal(502, "The function of the API has failed: `make logs SERVICE=api` says why.")
        return response_of(payload)


async def _read(request: Request) -> bytes | None:
    """Return the body, None where it is too large. Raises ClientDisconnect where it does not come as a whole."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        chunks.append(chunk)
        size += len(chunk)
        if size > LARGEST_BODY_BYTES:
            return None
    return b"".join(chunks)


def _refused_invocation(error: ClientError) -> Response:
    if error.response["Error"]["Code"] == "TooManyRequestsException":
        return _refusal(429, "The function of the API is used as much as Lambda lets it be.")
    return _refusal(503, f"The function of the API cannot be invoked, `make up` deploys it: {error}")


def _refusal(status: int, detail: str) -> Response:
    return JSONResponse({"detail": detail}, status)


@asynccontextmanager
async def open_lambda(localstack_url: str) -> AsyncIterator[Any]:
    """Open a client of LocalStack's Lambda."""
    config = AioConfig(
        connect_timeout=_CONNECT_TIMEOUT_SECONDS,
        read_timeout=LONGEST_INVOCATION_SECONDS,
        # A request that has failed is its client's to repeat.
        retries={"total_max_attempts": 1},
        max_pool_connections=MOST_AT_A_TIME,
        proxies={},
    )
    async with get_session().create_client("lambda", endpoint_url=localstack_url, config=config) as lambda_client:
        yield lambda_client


def make_server(door: FrontDoor, port: int) -> uvicorn.Server:
    """Return a server that takes HTTP on loopback, as the API's own does."""
    config = uvicorn.Config(
        door,
        host=HOST,
        port=port,
        http=BoundedHttpProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )
    return uvicorn.Server(config)


async def _serve(localstack_url: str, function: str, port: int) -> None:
    async with open_lambda(localstack_url) as lambda_client:
        await make_server(FrontDoor(lambda_client, function, f"localhost:{port}"), port).serve()


def main() -> None:
    """Serve the API at `API_PORT` until asked to stop."""
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(os.environ["AWS_ENDPOINT_URL"], os.environ["FUNCTION_NAME"], int(os.environ["API_PORT"])))


if __name__ == "__main__":
    main()
