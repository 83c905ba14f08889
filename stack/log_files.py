"""Reads log files: their ends, what is written to them, and what was rotated away."""

import time
from collections.abc import Iterator, Mapping
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
        self._inode: int | None = None
        self._offset = 0

    def new_lines(self) -> list[str]:
        """The lines that are whole since the last call; at first, all."""
        if not self._path.exists():
            return []
        there = self._path.stat()
        lines: list[str] = []
        if self._inode not in {None, there.st_ino}:
            # What was still written to the old one comes first.
            lines = [
                line
                for older in rotated(self._path)
                if older.stat().st_ino == self._inode
                for line in self._read(older)
            ]
            self._offset = 0
        if there.st_size < self._offset:
            self._offset = 0
        self._inode = there.st_ino
        return lines + self._read(self._path)

    def _read(self, path: Path) -> list[str]:
        with path.open("rb") as stream:
            stream.seek(self._offset)
            text, newline, _unfinished = stream.read().rpartition(b"\n")
        self._offset += len(text + newline)
        return text.decode(errors="replace").splitlines()


def _last(file: Path, followed: LogFile, last: int) -> list[str]:
    lines = followed.new_lines()
    for older in reversed(rotated(file)):
        if len(lines) >= last:
            break
        lines = LogFile(older).new_lines() + lines
    return lines[-last:] if last else []


def _lines_of(name: str, lines: list[str]) -> list[RawLine]:
    return [RawLine(name, line) for line in lines]
