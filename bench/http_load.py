"""Load on an HTTP server of this machine: connections that are kept, each with one request under way.

`python -m bench.http_load` reads a `Load` as a line of JSON from its standard input, and writes its `LoadResult` as
one: it is a process of its own, so that what it costs is nobody else's. It is lean, as it shares the machine's cores
with what it measures: the request is bytes made once, and of an answer nothing is kept but its status and its time.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import httptools
import uvloop

from bench.statistics import percentile

_CONNECT_TIMEOUT_SECONDS = 10
_LAST_ANSWERS_TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Load:
    """The same POST of JSON, again and again."""

    port: int
    """On 127.0.0.1."""
    path: str
    body: str
    connections: int
    seconds: float
    """How long requests are measured."""
    warm_up_seconds: float = 1
    """How long they are sent before."""


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What came back. The latencies are of the requests that were sent within the measured time."""

    requests: int
    """Answered within the measured time."""
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    statuses: dict[str, int]
    """How often each status was answered, the warm-up and the last answers included."""


class LoadError(Exception):
    """A connection was refused or lost: what was measured says nothing."""


class _Connection(asyncio.Protocol):
    """Sends a request, and the next one when it is answered, until it is to stop."""

    def __init__(self, request: bytes) -> None:
        loop = asyncio.get_running_loop()
        self._request = request
        self._parser = httptools.HttpResponseParser(self)
        # uvloop's own clock has milliseconds, and stands still while a turn of the loop lasts.
        self._clock = time.perf_counter
        self._stopping = False
        self._sent_at = 0.0
        self.answers: list[tuple[float, float]] = []
        """When each request was sent, and when its answer was complete, in seconds."""
        self.statuses: Counter[int] = Counter()
        self.done: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # TCP's are of this kind
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self.answers.append((self._sent_at, self._clock()))
        self.statuses[self._parser.get_status_code()] += 1
        if self._stopping:
            self.done.set_result(None)
            self._transport.close()
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(LoadError(f"the server closed a connection: {exc or 'no reason given'}"))

    def stop(self) -> None:
        """Send nothing after the request that is under way."""
        self._stopping = True

    def _send(self) -> None:
        self._sent_at = self._clock()
        self._transport.write(self._request)


async def run_load(load: Load) -> LoadResult:
    """Send the requests; returns when the last one is answered. Raises LoadError where a connection is lost."""
    loop = asyncio.get_running_loop()
    request = _request_of(load)
    async with asyncio.timeout(_CONNECT_TIMEOUT_SECONDS):
        opened = [
            await loop.create_connection(lambda: _Connection(request), "127.0.0.1", load.port)
            for _ in range(load.connections)
        ]
    connections = [connection for _, connection in opened]
    everything = asyncio.gather(*(connection.done for connection in connections))
    await _unless_lost(everything, load.warm_up_seconds)
    began = time.perf_counter()
    await _unless_lost(everything, load.seconds)
    ended = time.perf_counter()
    for connection in connections:
        connection.stop()
    async with asyncio.timeout(_LAST_ANSWERS_TIMEOUT_SECONDS):
        await everything
    return _result(connections, began, ended)


async def _unless_lost(everything: "asyncio.Future[list[None]]", seconds: float) -> None:
    """Wait; where a connection is lost meanwhile, raise its error."""
    done, _ = await asyncio.wait([everything], timeout=seconds)
    if done:
        await everything


def _result(connections: Sequence[_Connection], began: float, ended: float) -> LoadResult:
    answers = [answer for connection in connections for answer in connection.answers]
    latencies = [answered - sent for sent, answered in answers if began <= sent < ended]
    statuses = sum((connection.statuses for connection in connections), Counter[int]())
    return LoadResult(
        requests=sum(began <= answered < ended for _, answered in answers),
        seconds=ended - began,
        p50_ms=1000 * percentile(latencies, 50),
        p95_ms=1000 * percentile(latencies, 95),
        p99_ms=1000 * percentile(latencies, 99),
        statuses={str(status): count for status, count in sorted(statuses.items())},
    )


def _request_of(load: Load) -> bytes:
    body = load.body.encode()
    head = (
        f"POST {load.path} HTTP/1.1\r\nHost: 127.0.0.1:{load.port}\r\nAccept: */*\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def result_of(answer: Mapping[str, object]) -> LoadResult:
    """Read a result back from its JSON."""
    return LoadResult(**answer)  # type: ignore[arg-type]  # it was made from one


def main() -> None:
    """Run the load that standard input describes."""
    load = Load(**json.loads(sys.stdin.readline()))
    sys.stdout.write(json.dumps(asdict(uvloop.run(run_load(load)))) + "\n")


if __name__ == "__main__":
    main()
