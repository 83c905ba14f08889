"""A program's standard output that nobody reads."""

import os
import sys
from collections.abc import Iterator

import pytest

from services.streams.output import Output, outputs, protect


class UnreadOutput:
    """Unready as soon as more has been written than a pipe takes."""

    def __init__(self, output: Output, reading: int) -> None:
        self._output = output
        self._reading = reading
        self._unread_bytes = 0

    def write_line(self, line: str) -> None:
        self._output.write_line(line)
        self._unread_bytes += len(line) + 1

    def read(self) -> None:
        """Read what was written, and no more: for what never comes one would wait for ever."""
        while self._unread_bytes:
            self._unread_bytes -= len(os.read(self._reading, self._unread_bytes))


@pytest.fixture
def unread_output(monkeypatch: pytest.MonkeyPatch) -> Iterator[UnreadOutput]:
    reading, writing = os.pipe()
    with os.fdopen(reading), os.fdopen(writing, "w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        output = protect("stdout", seconds_until_unready=0)
        unread = UnreadOutput(output, reading)
        yield unread
        unread.read()
        output.finish()
    outputs.remove(output)
