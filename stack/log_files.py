"""Reads log files: their ends, what is written to them, and what was rotated away."""

import os
import time
from collections.abc import Iterator, Mapping
from io import BufferedReader
from pathlib import Path

from stack.log_line import RawLine

POLL_SECONDS = 0.2


def whole(files: Mapping[str, Path]) -> Iterator[list[RawLine]]:
    """All that is kept, a file at a time, the oldest of each service first."""
    for name, file in files.items():
        for each in [*rotated(file), file]:
            yield _lines_of(name, LogFile(each).new_lines())


def end(files: Mapping[str, Path], last: int, *, follow: bool) -> Iterator[list[RawLine]]:
    """The last lines of each file; with `follow`, what is written from then on too, until interrupted."""
    followed = {name: LogFile(file) for name, file in files.items()}
    yield [line for name, file in files.items() for line in _lines_of(name, _last(file, followed[name], last))]
    while follow:
        time.sleep(POLL_SECONDS)
        yield [line for name, file in followed.items() for line in _lines_of(name, file.new_lines())]


def rotated(file: Path) -> list[Path]:
    """What was the file before, the oldest first: `api.log.2`, `api.log.1`."""
    numbered = {path.suffix[1:]: path for path in file.parent.glob(f"{file.name}.*")}
    return [numbered[number] for number in sorted(filter(str.isdecimal, numbered), key=int, reverse=True)]


class LogFile:
    """A file that grows, and is replaced by a new one when it is rotated; it need not be there yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream: BufferedReader | None = None
        self._unfinished = b""

    def new_lines(self) -> list[str]:
        """The lines that are whole since the last call; at first, all."""
        lines = self._read()
        if self._was_replaced():
            # What was still written to the old one comes first.
            lines += self._read()
            self._close()
            lines += self._read()
        return lines

    def _read(self) -> list[str]:
        if self._stream is None:
            if not self._path.exists():
                return []
            self._stream = self._path.open("rb")
        text, newline, self._unfinished = (self._unfinished + self._stream.read()).rpartition(b"\n")
        return (text + newline).decode(errors="replace").splitlines()

    def _was_replaced(self) -> bool:
        if self._stream is None or not self._path.exists():
            return False
        opened, there = os.fstat(self._stream.fileno()), self._path.stat()
        return opened.st_ino != there.st_ino or there.st_size < self._stream.tell()

    def _close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self._stream, self._unfinished = None, b""


def _last(file: Path, followed: LogFile, last: int) -> list[str]:
    lines = followed.new_lines()
    for older in reversed(rotated(file)):
        if len(lines) >= last:
            break
        lines = LogFile(older).new_lines() + lines
    return lines[-last:] if last else []


def _lines_of(name: str, lines: list[str]) -> list[RawLine]:
    return [RawLine(name, line) for line in lines]
