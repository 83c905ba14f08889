"""Reads the body of a response: streamed, decompressed, and never more of it than there may be."""

import zlib
from collections.abc import Callable
from contextlib import aclosing

import httpx2

ACCEPT_ENCODING = "gzip"
"""What a request may ask for: the content coding that is decoded here."""

# https://docs.python.org/3/library/zlib.html#zlib.decompressobj: a gzip header and trailer, the largest window.
_GZIP_WINDOW = zlib.MAX_WBITS | 16

_GZIP_BEGIN = b"\x1f"
# Each member leaves a copy of what is behind it.
_STEP = 4096


class ResponseTooLargeError(Exception):
    """A body has more bytes than it may have."""


async def read_body(response: httpx2.Response, max_bytes: int, count: Callable[[int], None] | None = None) -> bytes:
    """Return the decoded body of a streamed response; `count` is given the size of each piece, and may raise.

    Raises ResponseTooLargeError as soon as more than `max_bytes` were received or decoded, httpx2.DecodingError where
    the body is not in the content coding that it says, or in another than gzip, and what a request raises.
    """
    gunzip = _Gunzip() if _is_gzip(response) else None
    body = bytearray()
    received = 0
    async with aclosing(response.aiter_raw()) as pieces:
        async for piece in pieces:
            received += len(piece)
            # One byte more than there may be is enough to know.
            most = max_bytes - len(body) + 1
            decoded = gunzip.decode(piece, most) if gunzip else piece[:most]
            body += decoded
            if max(received, len(body)) > max_bytes:
                raise ResponseTooLargeError
            if count:
                count(len(decoded))
    if gunzip:
        gunzip.finish()
    return bytes(body)


def _is_gzip(response: httpx2.Response) -> bool:
    coding = response.headers.get("content-encoding", "").strip().lower()
    match coding:
        case "" | "identity":
            return False
        case "gzip" | "x-gzip":  # one and the same (RFC 9110, section 8.4.1.3)
            return True
        case _:
            raise httpx2.DecodingError(f"its content-encoding {coding[:100]!r} cannot be decoded here, only gzip can")


class _Gunzip:
    """Decodes gzip, which may have several members (RFC 1952, section 2.2)."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP_WINDOW)
        self._is_empty = True

    def decode(self, data: bytes, max_bytes: int) -> bytes:
        """Return what the data decodes to, at most so many bytes of it."""
        decoded = bytearray()
        for start in range(0, len(data), _STEP):
            rest = data[start : start + _STEP]
            while rest and len(decoded) < max_bytes:
                decoded += self._decode_within_member(rest, max_bytes - len(decoded))
                rest = self._member.unused_data
        return bytes(decoded)

    def _decode_within_member(self, data: bytes, max_bytes: int) -> bytes:
        if self._member.eof:
            if not data.startswith(_GZIP_BEGIN):
                raise httpx2.DecodingError("it goes on behind the end of its gzip encoding")
            self._member = zlib.decompressobj(_GZIP_WINDOW)
        self._is_empty = False
        try:
            return self._member.decompress(data, max_bytes)
        except zlib.error as error:
            raise httpx2.DecodingError("it is no gzip, which its content-encoding says it is") from error

    def finish(self) -> None:
        """Raise httpx2.DecodingError where something is missing; a body without a byte is no encoding of anything."""
        if not self._member.eof and not self._is_empty:
            raise httpx2.DecodingError("it breaks off in the middle of its gzip encoding")
