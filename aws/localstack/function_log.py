"""The log of one function, which all its processes write: a file that is rotated as supervisord rotates others."""

import json
import threading
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

MOST_BYTES = 10_000_000
BACKUPS = 2


class FunctionLog:
    """A log whose lines are written as a whole."""

    def __init__(self, path: Path, *, most_bytes: int = MOST_BYTES) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._most_bytes = most_bytes
        self._lock = threading.Lock()

    def follow(self, output: IO[bytes]) -> threading.Thread:
        """Write what comes from there, line by line, until its end; return the thread that does."""
        thread = threading.Thread(target=self._copy, args=[output], name="function-log", daemon=True)
        thread.start()
        return thread

    def note(self, event: str, **values: Any) -> None:
        """Write a line of our own, of the form that the services' lines have."""
        line = {"event": event, "level": "error", **values, "timestamp": datetime.now(UTC).isoformat()}
        self._write(json.dumps(line).encode() + b"\n")

    def _copy(self, output: IO[bytes]) -> None:
        with output:
            for line in output:
                self._write(line)

    def _write(self, line: bytes) -> None:
        with self._lock:
            with self.path.open("ab") as file:
                file.write(line)
                is_full = file.tell() >= self._most_bytes
            if is_full:
                self._rotate()

    def _rotate(self) -> None:
        names = [self.path, *(self.path.with_name(f"{self.path.name}.{number}") for number in range(1, BACKUPS + 1))]
        for newer, older in reversed(list(pairwise(names))):
            with suppress(FileNotFoundError):
                newer.replace(older)
