"""Reads the logs of containers, through `docker compose logs`."""

import os
import re
import select
import time
from collections.abc import Iterator
from datetime import datetime
from typing import IO

from stack.containers.docker import Compose
from stack.logs.line import RawLine

CHUNK_BYTES = 1_048_576
# Lines that are written at the same time by several services come one service after the other.
GATHER_SECONDS = 0.2
LONGEST_GATHER_SECONDS = 1.0

# Some versions of Compose clear the line before they write it, on a terminal or not.
_PREFIXED = re.compile(r"(?:\x1b\[2K)*(?P<service>\S+?)-(?P<number>\d+) +\| (?P<time>\S+Z) ?(?P<text>.*)", re.DOTALL)


def read(compose: Compose, service: str | None, *, last: int | None, follow: bool) -> Iterator[list[RawLine]]:
    """The last lines of each container's log, or all; with `follow`, what is written from then on too."""
    options = ["--no-color", "--timestamps", "--tail", "all" if last is None else str(last)]
    if follow:
        options.append("--follow")
    with compose.output("logs", *options, *([service] if service else [])) as output:
        for lines in gathered(output):
            yield [parse(line) for line in lines]


def parse(line: str) -> RawLine:
    """Read a line of `docker compose logs --timestamps`; what Compose itself says is its own."""
    found = _PREFIXED.fullmatch(line)
    if not found:
        return RawLine("compose", line)
    service, number = found["service"], int(found["number"])
    written_at = datetime.fromisoformat(found["time"]).timestamp()
    return RawLine(service if number == 1 else f"{service}-{number}", found["text"], written_at)


def gathered(output: IO[bytes]) -> Iterator[list[str]]:
    """The whole lines that come, as many at a time as come together."""
    lines: list[str] = []
    unfinished = b""
    gathering_since = time.monotonic()
    while True:
        is_over = time.monotonic() - gathering_since > LONGEST_GATHER_SECONDS
        if lines and (is_over or not _is_readable(output, GATHER_SECONDS)):
            yield lines
            lines = []
        if not lines:
            _is_readable(output, None)
            gathering_since = time.monotonic()
        chunk = os.read(output.fileno(), CHUNK_BYTES)
        *whole, unfinished = (unfinished + chunk).split(b"\n")
        lines += [line.decode(errors="replace") for line in whole]
        if not chunk:
            yield lines + ([unfinished.decode(errors="replace")] if unfinished else [])
            return


def _is_readable(output: IO[bytes], timeout_seconds: float | None) -> bool:
    """Whether there is something to read, or the end, within the time."""
    return bool(select.select([output], [], [], timeout_seconds)[0])
