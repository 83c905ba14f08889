"""HTTP connections that are kept, as lean as httptools makes them: a client's cost is no part of what is measured."""

import asyncio
from typing import cast

import httptools


class _Connection(asyncio.Protocol):
    """One connection, with one request under way at a time."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport
        self._body: list[bytes] = []
        self._answer: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # uvloop's streams are no subclass of asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        self._parser.feed_data(data)

    def on_body(self, part: bytes) -> None:
        """Gather the body."""
        self._body.append(part)

    def on_message_complete(self) -> None:
        """Hand the answer over."""
        if self._answer is None:
            raise ConnectionError("an answer came that nobody asked for")
        body = b"".join(self._body)
        status = self._parser.get_status_code()
        if status == 200:  # noqa: PLR2004  # HTTP's own number
            self._answer.set_result(body)
        else:
            self._answer.set_exception(ConnectionError(f"answered {status}: {body[:500]!r}"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the request under way, where there is one."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(
                exc or ConnectionError("the connection was closed before the answer was complete")
            )

    @property
    def is_open(self) -> bool:
        """Whether the server has not closed it."""
        return not self._transport.is_closing()

    def close(self) -> None:
        """Close it."""
        self._transport.close()

    async def send(self, request: bytes) -> bytes:
        """Send a request and return the body of its answer."""
        self._body = []
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer


class Connections:
    """To a server of this machine: as many as there are requests under way, kept until the server ends them."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[_Connection] = []

    async def send(self, request: bytes) -> bytes:
        """Send a request and return the body of its answer. Raises ConnectionError where that is not 200."""
        connection = await self._take()
        answer = await connection.send(request)
        self._idle.append(connection)
        return answer

    async def _take(self) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
        _, opened = await asyncio.get_running_loop().create_connection(_Connection, "127.0.0.1", self._port)
        return opened

    def close(self) -> None:
        """Close them all."""
        for connection in self._idle:
            connection.close()


def get(path: str) -> bytes:
    """Return a GET request."""
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode()


def post_json(path: str, body: bytes) -> bytes:
    """Return a POST request of JSON."""
    headers = f"host: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return f"POST {path} HTTP/1.1\r\n{headers}\r\n\r\n".encode() + body
