"""HTTP as our servers take it: uvicorn's, with bounds on how a request may come, and by the letter of RFC 9112.

uvicorn bounds neither how long a request takes to come, nor what comes beside its body, nor how many may wait on one
connection; it takes trailers for headers, any Host or none, and what follows a request to upgrade for a new one.
"""

import asyncio
import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from itertools import chain

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from web.answered_status import ANSWERED_STATUS
from web.joined_writes import JoinedWrites

MAX_BYTES_BESIDE_BODY = 65_536
"""How much a request may bring beside its body: its head, the frame of its chunks beyond `CHUNK_FRAME_BYTES`, and its
trailers. What is not at its end yet is let go on for one more piece."""

CHUNK_FRAME_BYTES = 12
"""What the frame of a chunk may take uncounted: its size in up to 8 digits, and two line ends."""

PIECE_BYTES = 16_384
"""As much is parsed at a time, and nothing more while a request waits for the answer to the one before it."""

LINGER_SECONDS = 1.0
"""How long a client whose request was refused may go on sending: so it can read the answer (RFC 9112, section 9.6)."""

# RFC 9110, section 7.2, and RFC 3986, section 3.2.2; the host is not empty (RFC 9110, section 4.2.1).
_HOST = re.compile(rb"(?:\[[0-9A-Za-z:._~!$&'()*+,;=%-]+\]|[0-9A-Za-z._~!$&'()*+,;=%-]+)(?::[0-9]*)?")
_ABSOLUTE_FORM = re.compile(rb"https?://(?P<authority>[^/?#]*)(?P<rest>.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class ProtocolRefusal:
    """An answer after which the connection is closed."""

    status: HTTPStatus
    detail: str

    def encode(self) -> bytes:
        """Return the whole answer."""
        body = json.dumps({"detail": self.detail}, separators=(",", ":")).encode()
        head = f"HTTP/1.1 {self.status:d} {self.status.phrase}\r\nContent-Type: application/json\r\n"
        return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


TOO_SLOW = ProtocolRefusal(HTTPStatus.REQUEST_TIMEOUT, "The request did not come as a whole in time.")
# RFC 6585, section 5
TOO_LARGE = ProtocolRefusal(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    f"What comes beside the request's body is larger than {MAX_BYTES_BESIDE_BODY} bytes.",
)
MALFORMED = ProtocolRefusal(HTTPStatus.BAD_REQUEST, "This is no HTTP/1.1 request.")
NOT_ONE_HOST = ProtocolRefusal(HTTPStatus.BAD_REQUEST, "A request has one Host header, which names a host.")
NO_TARGET_OF_OURS = ProtocolRefusal(
    HTTPStatus.BAD_REQUEST, "The request's target must be a path, or an http URL, and its method not CONNECT."
)


class RefusedError(Exception):
    """The request that is being parsed is refused."""

    def __init__(self, refusal: ProtocolRefusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal


class BoundedHttpProtocol(HttpToolsProtocol):
    """Refuses a request that does not come in time, within its size, or as RFC 9112 has it, and closes the connection.

    Trailers and upgrades are ignored (RFC 9110, sections 6.5.1 and 7.8). A request that comes at once costs no timer.
    """

    request_timeout_seconds = 30.0
    """How long a request may take to come: from its first byte, or, the first one, from the connection's opening."""

    _is_under_way = False
    _coming: RequestResponseCycle | None = None
    """The request whose head has come, and whose body has not."""
    _unanswered = 0
    _bytes_beside_body = 0
    _unparsed = memoryview(b"")
    _refusal: ProtocolRefusal | None = None
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Take the connection, and wait for its first request."""
        super().connection_made(JoinedWrites(transport, self.loop))
        self.flow = _Flow(transport, self)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the connection go."""
        self._unparsed = memoryview(b"")
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came; bound what is still to come."""
        self._unset_keepalive_if_required()
        if self._refusal is None:
            self._unparsed = memoryview(bytes(self._unparsed) + data if self._unparsed else data)
            self._parse()

    @property
    def is_behind(self) -> bool:
        """Whether something that was read waits until a request is answered."""
        return bool(self._unparsed or self.pipeline)

    def _parse(self) -> None:
        while self._unparsed and not self.pipeline:
            piece, self._unparsed = self._unparsed[:PIECE_BYTES], self._unparsed[PIECE_BYTES:]
            self._bytes_beside_body += len(piece)
            self._feed(piece)
            if self._is_under_way and self._bytes_beside_body > MAX_BYTES_BESIDE_BODY:
                self._refuse(TOO_LARGE)
        if self.is_behind:
            self.flow.pause_reading()
        if not self._is_under_way:
            self._stop_timer()
        elif self._timer is None:
            self._start_timer()

    def _feed(self, piece: bytes | memoryview) -> None:
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            self._feed_without_upgrade(bytes(piece[upgrade.args[0] :]))
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause.refusal if isinstance(cause, RefusedError) else MALFORMED)

    def _feed_without_upgrade(self, rest: bytes) -> None:
        """Parse the request anew without the field: the parser takes what follows an upgrade for no HTTP."""
        request_line = b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        fields = [b"%s: %s" % field for field in self.headers if field[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._feed(b"\r\n".join([request_line, *fields, b"", rest]))

    def on_message_begin(self) -> None:
        """Note that a request begins."""
        self._is_under_way = True
        self._bytes_beside_body = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Refuse the request by its head, or let it be answered."""
        self._bytes_beside_body = len(self.url) + sum(map(len, chain.from_iterable(self.headers)))
        self._bytes_beside_body += 4 * len(self.headers)
        if self._bytes_beside_body > MAX_BYTES_BESIDE_BODY:
            raise RefusedError(TOO_LARGE)
        self._check_host()
        if not self.url.startswith(b"/") and self.url != b"*":
            self._take_absolute_form()
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                raise RefusedError(NO_TARGET_OF_OURS)
            return
        super().on_headers_complete()
        self._coming = self.cycle
        self._unanswered += 1
        # The request has the list; what comes behind the body goes to this one, which nobody reads.
        self.headers = []

    def on_chunk_header(self) -> None:
        """Let a chunk have its frame."""
        self._bytes_beside_body = max(0, self._bytes_beside_body - CHUNK_FRAME_BYTES)

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._bytes_beside_body = max(0, self._bytes_beside_body - len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the whole of the request has come."""
        if self._coming is not None:
            self._is_under_way = False
            self._coming = None
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with what came meanwhile."""
        self._unanswered -= 1
        super().on_response_complete()
        if self._refusal is not None:
            self._close_when_answered(None)
        elif self.flow.read_paused and not self.transport.is_closing():
            self._parse()
            self.flow.resume_reading()

    def _should_upgrade(self) -> bool:
        return False

    def _check_host(self) -> None:
        """Refuse a request by its Host (RFC 9112, section 3.2); HTTP/1.0 has none."""
        hosts = [value for name, value in self.headers if name == b"host"]
        if not hosts and self.parser.get_http_version() == "1.0":
            return
        if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
            raise RefusedError(NOT_ONE_HOST)

    def _take_absolute_form(self) -> None:
        """Read the target as a path; the host that it names counts in place of the header (RFC 9112, section 3.2.2)."""
        target = _ABSOLUTE_FORM.fullmatch(self.url)
        if target is None or not _HOST.fullmatch(target["authority"]):
            raise RefusedError(NO_TARGET_OF_OURS)
        rest = target["rest"]
        self.url = rest if rest.startswith(b"/") else b"/" + rest
        self.headers[:] = [(b"host", target["authority"]), *(field for field in self.headers if field[0] != b"host")]

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(self.request_timeout_seconds, self._time_out)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_out(self) -> None:
        # Where nothing is read, it is not the client that is slow.
        if self.flow.read_paused:
            self._start_timer()
        else:
            self._refuse(TOO_SLOW)

    def _refuse(self, refusal: ProtocolRefusal) -> None:
        """Refuse the request that is coming, once those before it are answered."""
        self._refusal = refusal
        self._unparsed = memoryview(b"")
        self._is_under_way = False
        self._stop_timer()
        coming, self._coming = self._coming, None
        if coming is not None:
            coming.scope[ANSWERED_STATUS] = refusal.status.value  # type: ignore[literal-required]  # a scope may have more than its type
            self._unanswered -= not coming.response_complete
            coming.disconnected = True
            coming.message_event.set()
        if self.pipeline and self.pipeline[0][0] is coming:
            self.pipeline.popleft()
        self._close_when_answered(coming)

    def _close_when_answered(self, refused: RequestResponseCycle | None) -> None:
        if self._unanswered or self._refusal is None or self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        if refused is None or not refused.response_started:
            self.transport.write(self._refusal.encode())
        self.transport.write_eof()
        self.flow.resume_reading()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)


class _Flow(FlowControl):
    """Reads on only when all that was read is on its way to an answer."""

    def __init__(self, transport: asyncio.Transport, protocol: BoundedHttpProtocol) -> None:
        super().__init__(transport)
        self._protocol = protocol

    def resume_reading(self) -> None:
        if not self._protocol.is_behind:
            super().resume_reading()
