"""The request of a task: refused by its head where its body cannot be taken; the body read within its bound."""

from collections.abc import Mapping, Sequence

from fastapi import HTTPException, status
from starlette.types import Receive

from services.primitives.counts import read_count

_JSON = "application/json"
_NO_ENCODING = "identity"
_QUOTED = 100


def first_values(headers: Sequence[tuple[bytes, bytes]]) -> Mapping[bytes, bytes]:
    """Return a request's headers, as an ASGI server gives them, by their names: of those of one name the first."""
    return dict(reversed(headers))


def too_large(size: str, most: int) -> HTTPException:
    """Return the 413 of a task of that size in bytes, where it may have `most`."""
    detail = (
        f"The task takes {size} bytes as an SQS message and the limit is {most} bytes. Send fewer or smaller items."
    )
    return HTTPException(status.HTTP_413_CONTENT_TOO_LARGE, detail)


def too_large_for_queue(size: int) -> HTTPException:
    """Return the 413 of a task of that size in bytes that its queue refused: how many it takes is not known."""
    detail = (
        f"The task takes {size} bytes as an SQS message, which is more than its queue takes."
        " Send fewer or smaller items."
    )
    return HTTPException(status.HTTP_413_CONTENT_TOO_LARGE, detail)


def declared_size(headers: Mapping[bytes, bytes], most: int) -> int:
    """Return the bytes that the body will have: as declared, else the most that it may have.

    Raises the 413 where that is more.
    """
    declared = read_count(_text(headers, b"content-length"))
    if declared is None:
        return most
    if declared > most:
        raise too_large(str(declared), most)
    return declared


def check_media_type(headers: Mapping[bytes, bytes]) -> None:
    """Raise the 415 of a body that is not sent as JSON, or encoded (RFC 9110, section 15.5.16).

    JSON under another name is not taken: a page of anywhere can have a browser send that without asking.
    """
    content_type = _text(headers, b"content-type")
    if content_type != _JSON and not _is_json(content_type):
        said = f"not {content_type[:_QUOTED]!r}" if content_type else "which is missing"
        raise _unsupported(f"Send the task as JSON, with the header Content-Type: {_JSON}, {said}.", "Accept", _JSON)
    if b"content-encoding" in headers:
        _check_encoding(_text(headers, b"content-encoding"))


def _check_encoding(encoding: str) -> None:
    if encoding.strip().lower() != _NO_ENCODING:
        detail = f"Send the task as it is, without Content-Encoding: {encoding[:_QUOTED]}."
        raise _unsupported(detail, "Accept-Encoding", _NO_ENCODING)


async def read_body(receive: Receive, most: int) -> bytes:
    """Read the body; raise the 413 as soon as it has more than `most` bytes, the 400 where the client has gone."""
    chunks: list[bytes] = []
    size = 0
    is_whole = False
    while not is_whole:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HTTPException(status.HTTP_400_BAD_REQUEST, "The request did not come as a whole.")
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > most:
            raise too_large(f"more than {most}", most)
        is_whole = not message.get("more_body", False)
    return b"".join(chunks)


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")


def _unsupported(detail: str, name: str, value: str) -> HTTPException:
    return HTTPException(status.HTTP_415_UNSUPPORTED_MEDIA_TYPE, detail, {name: value})


def _is_json(content_type: str) -> bool:
    kind, _, name = content_type.partition(";")[0].strip().lower().partition("/")
    return kind == "application" and (name == "json" or name.endswith("+json"))
