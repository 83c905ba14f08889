"""A server that answers with whatever bytes it is given: what no server library would send."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

HANG_UP = None
"""In place of bytes: the connection is closed."""

Piece = bytes | None


@dataclass
class RawServer:
    """Answers the n-th request (from 0) for a path with the pieces of `answer`, each in a packet of its own."""

    answer: Callable[[str, int], Sequence[Piece]]
    url: str = ""
    paths: list[str] = field(default_factory=list)
    """Of the requests so far."""
    connections: list[asyncio.StreamWriter] = field(default_factory=list)
    """Those that it has accepted."""
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a client has closed its connection."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(writer)
        with suppress(ConnectionError):
            while path := await _read_request(reader):
                self.paths.append(path)
                for piece in self.answer(path, len(self.paths) - 1):
                    if piece is None:
                        writer.close()
                        return
                    writer.write(piece)
                    await writer.drain()
                    await turns_of_the_loop()
        self.hung_up.set()
        writer.close()


@asynccontextmanager
async def raw_server(answer: Callable[[str, int], Sequence[Piece]] | Sequence[Piece]) -> AsyncIterator[RawServer]:
    """Serve on a free port; every request is answered alike where `answer` is a list."""
    server = RawServer(answer if callable(answer) else lambda _path, _number: answer)
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listener:
        server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        try:
            yield server
        finally:
            for writer in server.connections:
                writer.close()


async def turns_of_the_loop() -> None:
    """Let the event loop read what has come: it looks at its sockets once a turn."""
    for _ in range(5):
        await asyncio.sleep(0)


async def _read_request(reader: asyncio.StreamReader) -> str | None:
    """Read a whole request, and return its path; None at the end of the connection."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return None
    _, path, *_ = head.split(" ")
    fields = dict(line.lower().split(": ", 1) for line in head.strip().split("\r\n")[1:])
    await reader.readexactly(int(fields.get("content-length", 0)))
    return path
