"""Takes callbacks and notes when each task was heard: `python -m bench.programs.receiver PORT [DELAY_SECONDS]`.

It costs as little as an HTTP server in Python can, as it shares the cores with what is measured: httptools on a bare
asyncio protocol. POST on any path is a callback, answered after the delay; GET /count, GET /arrivals and
DELETE /arrivals are for who measures.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from typing import cast

import httptools
import uvloop

Arrivals = dict[str, list[float]]
_EMPTY_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class ReceiverProtocol(asyncio.Protocol):
    """One connection."""

    def __init__(self, arrivals: Arrivals, delay_seconds: float) -> None:
        self._arrivals = arrivals
        self._delay_seconds = delay_seconds
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._path = b""
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # uvloop's streams are no subclass of asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        """Note the path of a request that begins."""
        self._path = url
        self._body = []

    def on_body(self, part: bytes) -> None:
        """Gather the body."""
        self._body.append(part)

    def on_message_complete(self) -> None:
        """Answer the request."""
        method = self._parser.get_method()
        if method == b"POST":
            self._take_callback()
        elif method == b"DELETE":
            self._arrivals.clear()
            self._transport.write(_EMPTY_ANSWER)
        else:
            self._transport.write(json_answer(len(self._arrivals) if self._path == b"/count" else self._arrivals))

    def _take_callback(self) -> None:
        task_id = json.loads(b"".join(self._body))["task_id"]
        self._arrivals.setdefault(task_id, []).append(time.monotonic())
        if self._delay_seconds:
            asyncio.get_running_loop().call_later(self._delay_seconds, self._transport.write, _EMPTY_ANSWER)
        else:
            self._transport.write(_EMPTY_ANSWER)


def json_answer(value: object) -> bytes:
    """Return the bytes of a response with the value as its body."""
    body = json.dumps(value).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


async def serve(port: int, make_protocol: Callable[[], asyncio.Protocol]) -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(make_protocol, "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Read the command line and serve."""
    port, delay_seconds = int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 0.0  # noqa: PLR2004
    arrivals: Arrivals = {}
    uvloop.run(serve(port, lambda: ReceiverProtocol(arrivals, delay_seconds)))


if __name__ == "__main__":
    main()
