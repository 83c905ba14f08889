"""The Runtime API that AWS Lambda gives to the process of a function, for one process on this machine.

The process asks for the next invocation, and posts its response or its error.
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import math
import queue
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import NamedTuple, Self

import h11

VERSION = "2018-06-01"

LARGEST_HEAD_BYTES = 2_097_152
"""With an error the runtime sends its X-Ray cause as a header, which may have 1 MiB."""

_CHUNK_BYTES = 65_536


class Answer(NamedTuple):
    """What came of an invocation."""

    body: bytes
    is_error: bool


@dataclass(eq=False, slots=True)
class Invocation:
    """An event on its way to the process."""

    request_id: str
    event: bytes
    deadline: float
    """When the invocation is over, in seconds since the epoch."""
    function_arn: str
    trace_id: str = ""
    answer: "queue.SimpleQueue[Answer]" = field(default_factory=queue.SimpleQueue)

    @property
    def headers(self) -> list[tuple[str, str]]:
        """What goes along with the event."""
        traced = [("Lambda-Runtime-Trace-Id", self.trace_id)] if self.trace_id else []
        return [
            ("Lambda-Runtime-Aws-Request-Id", self.request_id),
            # Rounded down: nobody is to count on a part of a millisecond that is none.
            ("Lambda-Runtime-Deadline-Ms", str(math.floor(self.deadline * 1000))),
            ("Lambda-Runtime-Invoked-Function-Arn", self.function_arn),
            *traced,
        ]


class _Request(NamedTuple):
    method: str
    path: str
    body: bytes


class _Reply(NamedTuple):
    status: int
    body: bytes = b"{}"
    headers: tuple[tuple[str, str], ...] = ()


class RuntimeApi:
    """Serves on loopback until it is closed. Its threads are the connections': the process has one or two."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Invocation] = queue.SimpleQueue()
        self._under_way: dict[str, Invocation] = {}
        self.is_ready = threading.Event()
        """Whether the process has asked for its first invocation, or has said why it cannot start."""
        self.init_error: bytes | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        """As `AWS_LAMBDA_RUNTIME_API` names it."""
        threading.Thread(target=self._accept, name="runtime-api", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def give(self, invocation: Invocation) -> None:
        """Hand it to the process as soon as that asks for one."""
        self._waiting.put(invocation)

    def close(self) -> None:
        """Take no connection any more; the process ends those that there are."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            # Else each answer waits for the acknowledgement of its head, 40 ms.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=[connection], name="runtime-api", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        http = h11.Connection(h11.SERVER, max_incomplete_event_size=LARGEST_HEAD_BYTES)
        with connection:
            try:
                while (request := _receive(connection, http)) is not None:
                    connection.sendall(_encoded(http, self._reply_to(request)))
                    if http.our_state is h11.MUST_CLOSE:
                        return
                    http.start_next_cycle()
            except (OSError, h11.RemoteProtocolError):
                return

    def _reply_to(self, request: _Request) -> _Reply:
        parts = request.path.strip("/").split("/")
        match [request.method, *parts]:
            case ["GET", _, "runtime", "invocation", "next"]:
                return self._next()
            case ["POST", _, "runtime", "invocation", request_id, ("response" | "error") as kind]:
                return self._answered(request_id, Answer(request.body, is_error=kind == "error"))
            case ["POST", _, "runtime", "init", "error"]:
                self.init_error = request.body
                self.is_ready.set()
                return _Reply(202)
        return _Reply(404)

    def _next(self) -> _Reply:
        self.is_ready.set()
        invocation = self._waiting.get()
        self._under_way[invocation.request_id] = invocation
        return _Reply(200, invocation.event, tuple(invocation.headers))

    def _answered(self, request_id: str, answer: Answer) -> _Reply:
        invocation = self._under_way.pop(request_id, None)
        if invocation is None:
            return _Reply(400)
        invocation.answer.put(answer)
        return _Reply(202)


def _receive(connection: socket.socket, http: h11.Connection) -> _Request | None:
    """Read a request as a whole; None where the other end is closed."""
    head: h11.Request | None = None
    body: list[bytes] = []
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            http.receive_data(connection.recv(_CHUNK_BYTES))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body.append(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            return _Request(head.method.decode(), head.target.decode(), b"".join(body))
        else:
            return None


def _encoded(http: h11.Connection, reply: _Reply) -> bytes:
    headers: Mapping[str, str] = {
        "Content-Type": "application/json",
        "Content-Length": str(len(reply.body)),
        **dict(reply.headers),
    }
    events = (
        h11.Response(status_code=reply.status, headers=list(headers.items())),
        h11.Data(data=reply.body),
        h11.EndOfMessage(),
    )
    return b"".join(part for event in events if (part := http.send(event)))
