"""The connections of outbound requests: aiohttp's, made so that no request is answered by what was not its answer.

On a kept connection aiohttp takes whatever was received since the last answer for the answer to the next request. A
client must not (RFC 9112, section 9.2): so a connection on which anything came after the end of an answer is closed.

What aiohttp cannot read of an answer makes it forget the status too. Here the status line stands, whatever is wrong
behind it: `ClientResponse.status` is known, and reading the body raises.
"""

import asyncio
import re
import select
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import HttpResponseParser, HttpVersion11, RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader
from multidict import CIMultiDict, CIMultiDictProxy

from services.primitives.http_posts import HeaderLimits, is_final

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.tracing import Trace


HEADER_LIMITS = HeaderLimits(max_line_size=65_536, max_field_size=65_536, max_headers=1000)
"""What a session on these connections reads of an answer's status line and header fields: more than servers send."""

# Of all that is not body: status line, header and trailer fields, 1xx answers, the framing of chunks.
_MOST_BYTES_WITHOUT_BODY = 262_144

# Servers close a connection that has been idle for 5 s, by the defaults of Node, uvicorn and Apache's: after less, it
# can still be used, and no process is filled with the connections of hosts that are called once.
_LONGEST_IDLE_SECONDS = 4.0

# Only what comes with these has no body that a server could leave unread (RFC 9110, section 9.3).
_WITHOUT_BODY = frozenset({"GET", "HEAD"})

# https://www.rfc-editor.org/rfc/rfc9110#section-15
_MULTIPLE_CHOICES = 300
_INTERIM = re.compile(rb"(?:HTTP/1\.\d 1(?!01)\d\d\b.*?\n\r?\n)*", re.DOTALL)
_STATUS_LINE = re.compile(rb"HTTP/\d(?:\.\d)? ([2-9]\d\d|101)(?: [^\r\n]*)?\r?\n")
_END_OF_HEAD = re.compile(rb"\n\r?\n")

_Answer = tuple[RawResponseMessage, StreamReader]


class KeptConnectionLostError(aiohttp.ServerDisconnectedError):
    """A connection that had served other requests was closed before anything of the answer came.

    Most likely the server had just closed it as idle, and never saw the request. That cannot be known for certain.
    """


class GuardedConnector(aiohttp.TCPConnector):
    """Opens connections, and hands out a kept one only where nothing came after its last answer.

    It has no limit of its own: requests are bounded where they are made, and one that waited here for others would
    lose the time that it has for its answer.
    """

    def __init__(self, *, keeps: bool = True, **options: Any) -> None:
        kept: dict[str, Any] = {"keepalive_timeout": _LONGEST_IDLE_SECONDS} if keeps else {"force_close": True}
        super().__init__(limit=0, **kept, **options)
        # aiohttp has no public parameter for the protocol of its connections.
        protocol: type[ResponseHandler] = _AnswerReader
        self._factory = partial(protocol, loop=self._loop)

    async def connect(
        self,
        req: "ClientRequest",
        traces: "list[Trace]",
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  # aiohttp's
    ) -> Connection:
        """Return a connection that carries nothing but what will be the answer to this request."""
        while True:
            connection = await super().connect(req, traces, timeout)
            reader = connection.protocol
            assert isinstance(reader, _AnswerReader)  # noqa: S101  # made above
            if reader.is_clean():
                reader.outlives_refusal = req.method in _WITHOUT_BODY
                return connection
            connection.close()


class _AnswerReader(ResponseHandler):
    """Reads the answers on one connection, one to each request."""

    outlives_refusal = True
    """Whether the connection is kept after another answer than 2xx.

    Who refuses a request may leave its body unread, and answer that too, as the next request."""

    _answered = False
    _is_kept = False

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._received = bytearray()
        self._bytes_without_body = 0
        self._poll: select.poll | None = None

    def is_clean(self) -> bool:
        """Return whether nothing has come since the end of the last answer; a new connection had none yet."""
        return not self._answered or not (self.should_close or self._has_begun_another() or self._has_unread())

    def set_response_params(self, **params: Any) -> None:
        """Await the answer to the next request."""
        self._is_kept, self._answered = self._answered, False
        self._received = bytearray()
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        """Read on in the answer; behind its end nothing may come."""
        if not self._answered:
            self._received += data
            super().data_received(data)
            if len(self._received) > _MOST_BYTES_WITHOUT_BODY:
                self._break_off()
        elif data and (self._payload is None or self._payload.is_eof()):
            self._hang_up()
        else:
            self._read_body(data)

    def feed_data(self, data: _Answer, size: int = 0) -> None:
        """Take an answer whose head has been read, or an interim one (1xx)."""
        message, payload = data
        if is_final(message.code):
            self._answered = True
            self._received.clear()
            self._bytes_without_body = 0
            if not self.outlives_refusal and message.code >= _MULTIPLE_CHOICES:
                self.force_close()
        if not message.reason.isascii():
            message = _without_reason(message)
        super().feed_data((message, payload), size)

    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:
        """End the answer with this error, unless its status line has come."""
        if not self._answered:
            if answer := self._answer_in_spite_of(exc):
                self.force_close()
                self.feed_data(answer)
                return
            if self._was_lost_unused(exc):
                exc = KeptConnectionLostError()
        elif isinstance(exc, HttpProcessingError) and self._payload and not self._payload.is_eof():
            # aiohttp notifies nobody who waits for the body.
            self._payload.set_exception(_payload_error(exc))
        super().set_exception(exc, exc if exc_cause is None else exc_cause)

    def _read_body(self, data: bytes) -> None:
        payload = self._payload
        had = payload.total_bytes if payload else 0
        super().data_received(data)
        if payload and payload.total_bytes > had:
            self._bytes_without_body = 0
        else:
            self._bytes_without_body += len(data)
            if self._bytes_without_body > _MOST_BYTES_WITHOUT_BODY:
                self._break_off()

    def _break_off(self) -> None:
        self._hang_up()
        self.set_exception(HttpProcessingError(message=f"more than {_MOST_BYTES_WITHOUT_BODY} bytes of it are no body"))

    def _hang_up(self) -> None:
        self.force_close()
        if self.transport:
            self.transport.close()

    def _answer_in_spite_of(self, error: BaseException) -> _Answer | None:
        received = bytes(self._received)
        interim = _INTERIM.match(received)
        received = received[interim.end() :] if interim else received
        status_line = _STATUS_LINE.match(received)
        if not status_line:
            return None
        message, payload = self._read_apart(received) or (
            _message_of_status(int(status_line[1])),
            StreamReader(self, len(received), loop=self._loop),
        )
        if not payload.is_eof():
            payload.set_exception(_payload_error(error))
        return message, payload

    def _read_apart(self, received: bytes) -> _Answer | None:
        """Read the head by itself, so that what is wrong behind it does not take it away."""
        end = _END_OF_HEAD.search(received)
        if not end:
            return None
        # The body is here as a whole or never comes: there is nobody to wait for.
        enough_to_never_pause = 16 * len(received)
        parser = HttpResponseParser(
            self, self._loop, enough_to_never_pause, read_until_eof=True, auto_decompress=False, **HEADER_LIMITS
        )
        try:
            [answer], _, _ = parser.feed_data(received[: end.end()])
        except HttpProcessingError:
            return None
        with suppress(HttpProcessingError):
            parser.feed_data(received[end.end() :])
        return answer

    def _was_lost_unused(self, error: BaseException) -> bool:
        was_lost = isinstance(error, aiohttp.ClientConnectionError) and not isinstance(error, TimeoutError)
        return was_lost and self._is_kept and not self._received

    def _has_begun_another(self) -> bool:
        """Return whether the parser is in the middle of an answer that nobody asked for."""
        try:
            return self._parser is None or self._parser.feed_eof() is not None
        except HttpProcessingError:
            return True

    def _has_unread(self) -> bool:
        """Return whether bytes, or the end of the connection, wait in the kernel for the event loop to read them."""
        if self._poll is None:
            self._poll = select.poll()
            assert self.transport  # noqa: S101  # of a connection that is up
            self._poll.register(self.transport.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(self._poll.poll(0))


def _payload_error(error: BaseException) -> aiohttp.ClientError:
    if isinstance(error, aiohttp.ClientError):
        return error
    text = error.message if isinstance(error, HttpProcessingError) else str(error)
    return aiohttp.ClientPayloadError(f"the answer cannot be read: {text}")


def _message_of_status(status: int) -> RawResponseMessage:
    headers = CIMultiDictProxy(CIMultiDict[str]())
    return RawResponseMessage(
        version=HttpVersion11,
        code=status,
        reason="",
        headers=headers,
        raw_headers=(),
        should_close=True,
        compression=None,
        upgrade=False,
        chunked=False,
    )


def _without_reason(message: RawResponseMessage) -> RawResponseMessage:
    """Leave out the phrase of the status line: it means nothing (RFC 9112, section 4), and may be anything but text."""
    return RawResponseMessage(
        version=message.version,
        code=message.code,
        reason="",
        headers=message.headers,
        raw_headers=message.raw_headers,
        should_close=message.should_close,
        compression=message.compression,
        upgrade=message.upgrade,
        chunked=message.chunked,
    )
