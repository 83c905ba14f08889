"""The request of a task: refused early where it cannot be taken; its body read with exact numbers, kept as it came."""

from json import JSONDecodeError
from typing import Any

from fastapi import HTTPException, Request, status
from pydantic import TypeAdapter
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect

from services import exact_json
from services.messages import MAX_BODY_BYTES


def too_large(size: str) -> HTTPException:
    """Return the 413 of a task of that size in bytes."""
    detail = (
        f"The task takes {size} bytes as an SQS message and the limit is {MAX_BODY_BYTES} bytes."
        " Send fewer or smaller items."
    )
    return HTTPException(status.HTTP_413_CONTENT_TOO_LARGE, detail)


def declared_size(headers: Headers) -> int:
    """Return the bytes that the body will have: as declared, else the most that it may have.

    Raises the 413 where that is more.
    """
    declared = headers.get("content-length", "")
    if not declared.isdecimal():
        return MAX_BODY_BYTES
    if int(declared) > MAX_BODY_BYTES:
        raise too_large(declared)
    return int(declared)


class TaskHttpRequest(Request):
    """A request whose JSON keeps its numbers exact, and whose body is not read on beyond what SQS can carry."""

    _whole_body: bytes | None = None

    async def body(self) -> bytes:
        """Read the body; raise the 413 as soon as it is known to be too large.

        Raises ClientDisconnect where the client has gone.
        """
        if self._whole_body is None:
            self._whole_body = await self._read_body()
        return self._whole_body

    async def _read_body(self) -> bytes:
        chunks: list[bytes] = []
        size = 0
        is_whole = False
        while not is_whole:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > MAX_BODY_BYTES:
                raise too_large(f"more than {MAX_BODY_BYTES}")
            is_whole = not message.get("more_body", False)
        return b"".join(chunks)

    async def text(self) -> str:
        """Read the body as the client wrote it, without a byte order mark."""
        return exact_json.decode(await self.body())

    async def is_valid(self, model: TypeAdapter[Any]) -> bool:
        """Tell whether the body is one of the model's, and is sent as JSON. Keeps nothing but its text."""
        if not _is_json(self.headers.get("content-type", "")):
            return False
        try:
            model.validate_python(exact_json.loads(await self.body()))
        except (ValueError, ClientDisconnect):
            return False
        return True

    async def json(self) -> Any:
        """Read the body. NaN and Infinity pass, for the model to refuse them by their place."""
        body = await self.body()
        try:
            self._parsed = exact_json.loads(body, allow_nan=True)
        except ValueError as error:
            # FastAPI answers this error with the 422 of a body that is no JSON.
            raise JSONDecodeError(str(error), "", getattr(error, "pos", 0)) from error
        return self._parsed

    def forget_parsed(self) -> None:
        """Empty the JSON, which FastAPI keeps until the answer: it takes 10 to 50 times the memory of its text."""
        self._parsed.clear()


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "application/json"
