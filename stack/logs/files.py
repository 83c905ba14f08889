"""Reads log files: their ends, what is written to them, and what was rotated away.

A log is one stream of bytes, whatever files it lies in: supervisord rotates between any two bytes, in mid-line too.
"""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from itertools import chain, count
from pathlib import Path
from typing import BinaryIO, Self

from stack.logs.line import RawLine, missing_lines

POLL_SECONDS = 0.2

# In the midst of a rotation one number, or the file without one, is missing.
_MISSES_AT_THE_END = 2


def whole(files: Mapping[str, Path]) -> Iterator[list[RawLine]]:
    """All that is kept, a service at a time, the oldest first."""
    for name, file in files.items():
        with LogFile(file) as log:
            yield _raw_lines(name, log.new_lines())


def end(
    files: Mapping[str, Path], last: int, *, follow: bool, poll_seconds: float = POLL_SECONDS
) -> Iterator[list[RawLine]]:
    """The last lines of each file; with `follow`, what is written from then on too, until interrupted.

    Where lines were rotated away before they could be read, a line that says so stands in their place.
    """
    with ExitStack() as opened:
        logs = {name: opened.enter_context(LogFile(file)) for name, file in files.items()}
        yield [line for name, log in logs.items() for line in _raw_lines(name, log.last_lines(last, is_end=not follow))]
        while follow:
            time.sleep(poll_seconds)
            yield [line for name, log in logs.items() for line in _raw_lines(name, log.new_lines())]


class LogFile:
    """A file that grows, and is replaced by a new one when it is rotated; it need not be there yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reading: BinaryIO | None = None
        """The newest file so far. While it is open no other has its inode, and its end can be read wherever it goes."""
        self._unfinished = b""
        self._written_at = 0.0
        """When what was read last was written, in seconds since the epoch."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._reading:
            self._reading.close()

    def last_lines(self, most: int, *, is_end: bool = False) -> list[str]:
        """The last lines so far; with `is_end` an unfinished one too, as no more will be read."""
        files = kept(self._path)
        text = b""
        for file in reversed(files):
            if file is files[-1] or text.count(b"\n") < most:
                text = file.read() + text
        self._stay_at_the_newest(files)
        lines = self._whole_lines(text)
        if is_end and self._unfinished:
            lines.append(_text(self._unfinished))
        return lines[-most:] if most else []

    def new_lines(self) -> list[str]:
        """The lines that are whole since the last call, and one that says where some are missing; at first, all."""
        # What a newer file follows is written no more: so this comes before the reading.
        rest, newer, is_whole = self._since(kept(self._path))
        lines = self._lines_of(rest)
        if not is_whole:
            self._unfinished = b""
            lines.append(missing_lines(_written_at(rest[-1]) if rest else self._written_at))
        lines += self._lines_of(newer)
        self._stay_at_the_newest([*rest, *newer])
        return lines

    def _since(self, files: list[BinaryIO]) -> tuple[list[BinaryIO], list[BinaryIO], bool]:
        """What to read on, what to begin to read after it, and whether nothing is missing between the two."""
        reading = self._reading
        if reading is None:
            return [], files, True
        inodes = [_inode(file) for file in files]
        if _inode(reading) in inodes:
            place = inodes.index(_inode(reading)) + 1
            _close(files[:place])
            return self._since_last_read(reading, files[place:])
        if self._path.exists():
            return [reading], files, False
        # Somebody has removed it, and it is written all the same; what else there is came before it.
        _close(files)
        return [reading], [], True

    def _since_last_read(self, reading: BinaryIO, newer: list[BinaryIO]) -> tuple[list[BinaryIO], list[BinaryIO], bool]:
        if os.fstat(reading.fileno()).st_size >= reading.tell():
            return [reading], newer, True
        # Somebody has emptied it.
        reading.seek(0)
        return [], [reading, *newer], False

    def _lines_of(self, files: list[BinaryIO]) -> list[str]:
        return [line for file in files for line in self._whole_lines(file.read())]

    def _stay_at_the_newest(self, files: list[BinaryIO]) -> None:
        _close(files[:-1])
        if files:
            self._reading = files[-1]
            self._written_at = _written_at(files[-1])

    def _whole_lines(self, text: bytes) -> list[str]:
        *lines, self._unfinished = (self._unfinished + text).split(b"\n")
        return [_text(line) for line in lines]


def kept(path: Path) -> list[BinaryIO]:
    """The files of a log, open, the oldest first: `api.log.2`, `api.log.1`, `api.log`."""
    while True:
        files = _open_from_the_newest(path)
        # One that is open lends its inode to no other: where each still has its name, there was no rotation.
        if all(_is_still(name, file) for name, file in files.items()):
            return list(reversed(files.values()))
        _close(files.values())


def _open_from_the_newest(path: Path) -> dict[Path, BinaryIO]:
    files: dict[Path, BinaryIO] = {}
    names = chain([path], (path.with_name(f"{path.name}.{number}") for number in count(1)))
    misses = 0
    while misses < _MISSES_AT_THE_END:
        name = next(names)
        try:
            files[name] = name.open("rb")
        except FileNotFoundError:
            misses += 1
    return files


def _is_still(name: Path, file: BinaryIO) -> bool:
    with suppress(FileNotFoundError):
        return name.stat().st_ino == _inode(file)
    return False


def _inode(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_ino


def _written_at(file: BinaryIO) -> float:
    return os.fstat(file.fileno()).st_mtime


def _close(files: Iterable[BinaryIO]) -> None:
    for file in files:
        file.close()


def _text(line: bytes) -> str:
    return line.decode(errors="replace")


def _raw_lines(name: str, lines: list[str]) -> list[RawLine]:
    return [RawLine(name, line) for line in lines]
