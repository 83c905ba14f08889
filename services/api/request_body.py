"""The request body of a task: read with exact numbers, kept as it came, and refused early where SQS cannot take it."""

from collections.abc import AsyncGenerator, Callable, Coroutine
from json import JSONDecodeError
from typing import Any

from fastapi import HTTPException, Request, Response, status
from fastapi.routing import APIRoute

from services import exact_json
from services.messages import MAX_BODY_BYTES


def too_large(size: str) -> HTTPException:
    """Return the 413 of a task of that size in bytes."""
    detail = (
        f"The task takes {size} bytes as an SQS message and the limit is {MAX_BODY_BYTES} bytes."
        " Send fewer or smaller items."
    )
    return HTTPException(status.HTTP_413_CONTENT_TOO_LARGE, detail)


class TaskHttpRequest(Request):
    """A request whose JSON keeps its numbers exact, and whose body is not read on beyond what SQS can carry."""

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """Yield the body; raise the 413 as soon as it is known to be too large."""
        declared = self.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > MAX_BODY_BYTES:
            raise too_large(declared)
        size = 0
        async for chunk in super().stream():
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                raise too_large(f"more than {MAX_BODY_BYTES}")
            yield chunk

    async def json(self) -> Any:
        """Read the body. NaN and Infinity pass, for the model to refuse them by their place."""
        body = await self.body()
        try:
            return exact_json.loads(body, allow_nan=True)
        except ValueError as error:
            # FastAPI answers this error with the 422 of a body that is no JSON.
            raise JSONDecodeError(str(error), "", getattr(error, "pos", 0)) from error


class TaskRoute(APIRoute):
    """A route whose handler is given a TaskHttpRequest."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the request before FastAPI reads it."""
        handle = super().get_route_handler()

        async def handle_task(request: Request) -> Response:
            return await handle(TaskHttpRequest(request.scope, request.receive))

        return handle_task
