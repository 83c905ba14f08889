"""POSTs on the connections of an aiohttp session; short ones without the objects that it makes for each request.

Connections, their pool, TLS, checks of addresses, timeouts and the reader of answers are aiohttp's for all. What is
left out for short ones is what stands between those and a caller who has headers and body as bytes: two thirds of the
CPU of a POST, among it a task that writes the body. The seam is that of a custom connector: what aiohttp's own session
asks of a connector and of its connections is asked here. It has no documentation, so tests hold what is sent, answered
and raised to what the session makes of it.
"""

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import TypeAlias, TypedDict

import aiohttp
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader
from multidict import CIMultiDictProxy
from yarl import URL

from services.primitives.bounded import BoundedMap

# A longer body has to be written as its receiver reads it, which the session's own requests do.
_MOST_SHORT_BYTES = 65_536

# https://www.rfc-editor.org/rfc/rfc9110#section-15.2
_INTERIM, _SWITCHING_PROTOCOLS = range(100, 200), 101

# Many requests go to few hosts.
_REMEMBERED = 1024


class HeaderLimits(TypedDict):
    """As aiohttp names them: bytes of the status line, bytes of a field, and the number of fields."""

    max_line_size: int
    max_field_size: int
    max_headers: int


_LIMITS_OF_AIOHTTP = HeaderLimits(max_line_size=8190, max_field_size=8190, max_headers=128)


@dataclass(frozen=True, slots=True)
class ShortAnswer:
    """What there is of the answer to a short POST: its head, and a body that may be on its way."""

    status: int
    headers: CIMultiDictProxy[str]
    raw_headers: tuple[tuple[bytes, bytes], ...]
    content: StreamReader


Answer: TypeAlias = aiohttp.ClientResponse | ShortAnswer
"""The answer to a POST."""


class HttpPosts:
    """Makes POSTs on the connections of a session, which its other requests share."""

    def __init__(self, session: aiohttp.ClientSession, limits: HeaderLimits = _LIMITS_OF_AIOHTTP) -> None:
        """`limits`: those that the session has."""
        self._session = session
        self._limits = limits
        self._requests: BoundedMap[URL, aiohttp.ClientRequest] = BoundedMap(_REMEMBERED)

    def post(
        self, url: URL, headers: Mapping[str, str], body: bytes, timeout: aiohttp.ClientTimeout
    ) -> AbstractAsyncContextManager[Answer]:
        """POST inside a block, and give the answer as soon as its head has come.

        All headers are given, "Host" among them, except for "Content-Length". Of the timeout `sock_connect` and
        `sock_read` are heeded: who calls bounds the whole. Redirects are not followed, and nothing is sent twice.

        To enter it raises what the session's own request does: ClientError, ServerTimeoutError, what the connector's
        resolver and sockets raise. Raises ValueError where the URL or a header has characters that are not printable.
        """
        if len(body) > _MOST_SHORT_BYTES:
            return self._session.post(url, headers=headers, data=body, timeout=timeout, allow_redirects=False)
        request = self._request_to(url.origin())
        return _ShortPost(self._session, request, url, _bytes_of(url, headers, body), timeout, self._limits)

    def _request_to(self, server: URL) -> aiohttp.ClientRequest:
        """Return what the connector finds a connection by: it reads it, and nothing more."""
        request = self._requests.get(server)
        if request is None:
            request = aiohttp.ClientRequest("POST", server, loop=asyncio.get_running_loop(), session=self._session)
            self._requests[server] = request
        return request


class _ShortPost:
    """A block in which the answer to a POST is read. It is no generator, as each callback would pay for it."""

    __slots__ = ("_connection", "_limits", "_request", "_sent", "_session", "_timeout", "_url")

    def __init__(  # noqa: PLR0913, PLR0917  # what a request has
        self,
        session: aiohttp.ClientSession,
        request: aiohttp.ClientRequest,
        url: URL,
        sent: bytes,
        timeout: aiohttp.ClientTimeout,
        limits: HeaderLimits,
    ) -> None:
        self._session = session
        self._request = request
        self._url = url
        self._sent = sent
        self._timeout = timeout
        self._limits = limits

    async def __aenter__(self) -> ShortAnswer:
        self._connection = await self._connect()
        try:
            message, content = await _exchange(self._connection, self._sent)
        except BaseException as error:
            self._connection.close()
            if isinstance(error, HttpProcessingError):
                raise self._response_error(error) from error
            raise
        return ShortAnswer(message.code, message.headers, message.raw_headers, content)

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        # One whose answer is not read to its end is closed by this.
        self._connection.release()

    async def _connect(self) -> Connection:
        """Return a connection, new or kept, that awaits a request and its answer."""
        connector = self._session.connector
        if connector is None:
            raise RuntimeError("Session is closed")
        try:
            connection = await connector.connect(self._request, [], self._timeout)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError(f"Connection timeout to host {self._url}") from error
        assert connection.protocol is not None  # noqa: S101  # of a connection that is up
        connection.protocol.set_response_params(
            read_until_eof=True, auto_decompress=False, read_timeout=self._timeout.sock_read, **self._limits
        )
        return connection

    def _response_error(self, error: HttpProcessingError) -> aiohttp.ClientResponseError:
        info = aiohttp.RequestInfo(self._url, "POST", self._request.request_info.headers, self._url)
        return aiohttp.ClientResponseError(info, (), status=error.code, message=error.message, headers=error.headers)


def is_final(status: int) -> bool:
    """Return whether an answer of this status is the one to its request: interim ones (1xx) may come before it."""
    return status not in _INTERIM or status == _SWITCHING_PROTOCOLS


async def _exchange(connection: Connection, sent: bytes) -> tuple[RawResponseMessage, StreamReader]:
    reader = connection.protocol
    assert reader is not None  # noqa: S101  # of a connection that is up
    # A server may have spoken, and hung up, before it was asked: then the reader knows what is wrong.
    if reader.transport is not None and not reader.transport.is_closing():
        reader.transport.write(sent)
    reader.start_timeout()
    while True:
        message, content = await reader.read()
        if is_final(message.code):
            return message, content


def _bytes_of(url: URL, headers: Mapping[str, str], body: bytes) -> bytes:
    fields = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    head = f"POST {url.raw_path_qs} HTTP/1.1\r\n{fields}Content-Length: {len(body)}\r\n\r\n"
    # The first line, the length and the empty line are ours.
    if head.count("\r\n") != len(headers) + 3 or not head.replace("\r\n", "").isprintable():
        raise ValueError("the URL, or the name or the value of a header, has a character that no request can carry")
    return head.encode() + body
