"""Takes spans over OTLP/HTTP and forgets them: `python -m bench.programs.otlp_sink PORT`.

It costs as little as the receiver of the callbacks, for the same reason. POST on any path is an export; GET answers how
many there were.
"""

import asyncio
import sys
from typing import cast

import httptools
import uvloop

from bench.programs.receiver import json_answer, serve

# No field of ExportTraceServiceResponse is set: everything was taken.
# https://opentelemetry.io/docs/specs/otlp/#full-success-1
_TAKEN = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n"


class Exports:
    """Counts them."""

    count = 0


class OtlpSinkProtocol(asyncio.Protocol):
    """One connection."""

    def __init__(self, exports: Exports) -> None:
        self._exports = exports
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # uvloop's streams are no subclass of asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Answer the request."""
        if self._parser.get_method() == b"POST":
            self._exports.count += 1
            self._transport.write(_TAKEN)
        else:
            self._transport.write(json_answer(self._exports.count))


def main() -> None:
    """Read the command line and serve."""
    exports = Exports()
    uvloop.run(serve(int(sys.argv[1]), lambda: OtlpSinkProtocol(exports)))


if __name__ == "__main__":
    main()
