"""HTTP as the API serves it: uvicorn's, with bounds on how a request may come, which it has none for."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

REQUEST_TIMEOUT_SECONDS = 30.0
"""How long a request may take to come: from its first byte, or, the first one, from the opening of its connection."""

MAX_HEAD_BYTES = 65_536
"""How long a request's head may be. What comes with the chunk of bytes in which it begins is not counted."""

ANSWERED_STATUS = "answered_status"
"""Where, in a request's scope, the status stands that it was answered with here: to its route, the client has gone."""


def _final_answer(status: bytes, detail: bytes) -> bytes:
    body = b'{"detail":"%s"}' % detail
    head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
    return head % (status, len(body)) + body


_TOO_SLOW = _final_answer(b"408 Request Timeout", b"The request did not come as a whole in time.")
# RFC 6585, section 5
_HEAD_TOO_LARGE = _final_answer(b"431 Request Header Fields Too Large", b"The request's head is too large.")


class BoundedHttpProtocol(HttpToolsProtocol):
    """Answers 408 or 431, and closes the connection, where a request does not come in time or within its size.

    A request that comes at once costs no timer.
    """

    _is_head_under_way = False
    _is_request_under_way = False
    _head_bytes = 0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Take the connection, and wait for its first request."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the connection go."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came; bound what is still to come."""
        is_head = self._is_head_under_way
        self._head_bytes = self._head_bytes + len(data) if is_head else 0
        super().data_received(data)
        if not self._is_request_under_way:
            self._stop_timer()
        elif self._timer is None:
            self._start_timer()
        if is_head and self._is_head_under_way and self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(_HEAD_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Note that a request begins."""
        self._is_head_under_way = self._is_request_under_way = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Note that its head has come."""
        self._is_head_under_way = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that the whole of it has come."""
        self._is_request_under_way = False
        super().on_message_complete()

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(REQUEST_TIMEOUT_SECONDS, self._time_out)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_out(self) -> None:
        if self._is_request_under_way and not self._is_head_under_way:
            self.scope[ANSWERED_STATUS] = 408  # type: ignore[literal-required]  # a scope may have more than its type
        self._refuse(_TOO_SLOW)

    def _refuse(self, answer: bytes) -> None:
        if self.transport.is_closing():
            return
        if not _is_answering(self.cycle):
            self.transport.write(answer)
        self.transport.close()


def _is_answering(cycle: RequestResponseCycle | None) -> bool:
    return cycle is not None and cycle.response_started and not cycle.response_complete
