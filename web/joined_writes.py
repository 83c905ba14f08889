"""A connection's transport that writes the head of a response together with its content.

An event loop writes at once what it is given, and each write is a system call, and a packet for the client to read:
uvicorn gives it the head by itself.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from typing_extensions import override


class JoinedWrites(asyncio.Transport):
    """Keeps the first write in a turn of the event loop until the second one, or until the turn is over."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._is_first = True
        self._kept: bytes | None = None

    @override
    def write(self, data: Any) -> None:
        if not data:
            # From writelines asyncio would try to write it for good.
            return
        if self._is_first:
            self._is_first = False
            self._kept = data
            self._loop.call_soon(self._end_turn)
        elif self._kept is None:
            self._transport.write(data)
        else:
            kept, self._kept = self._kept, None
            self._transport.writelines((kept, data))

    @override
    def writelines(self, list_of_data: Iterable[Any]) -> None:
        self._write_kept()
        self._transport.writelines(list_of_data)

    @override
    def write_eof(self) -> None:
        self._write_kept()
        self._transport.write_eof()

    @override
    def close(self) -> None:
        self._write_kept()
        self._transport.close()

    @override
    def is_closing(self) -> bool:
        return self._transport.is_closing()

    @override
    def pause_reading(self) -> None:
        self._transport.pause_reading()

    @override
    def resume_reading(self) -> None:
        self._transport.resume_reading()

    @override
    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def _end_turn(self) -> None:
        self._is_first = True
        self._write_kept()

    def _write_kept(self) -> None:
        kept, self._kept = self._kept, None
        if kept and not self._transport.is_closing():
            self._transport.write(kept)
