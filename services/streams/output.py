"""Standard output and standard error of a program: to write there never fails, waits or raises.

What is logged decides nothing else. A line that cannot be written (the disk is full, its reader has gone, or reads no
more) is kept, within bounds, until it can be; one that there is no room for is lost, and counted.
"""

import atexit
import io
import logging
import math
import os
import select
import stat
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TextIO

from typing_extensions import override

from services.streams.descriptor_stream import DescriptorStream

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

log = logging.getLogger(__name__)

MOST_KEPT_BYTES = 1_048_576
"""How much is kept: some thousand lines."""

SECONDS_UNTIL_UNREADY = 5.0
"""A reader that pauses for a moment is no failure."""

_RETRY_SECONDS = 1.0
_LAST_SECONDS = 2.0
_NOT_READ = "nobody reads it"


@dataclass(slots=True)
class _Stuck:
    reason: str
    lost_before: int
    since: float


class Output(DescriptorStream):
    """A file descriptor that takes whatever is written to it. Each write is a line, and is written as a whole.

    A line is written at once, by the thread that has it, as long as the descriptor takes it. When it does not, a thread
    goes on with what waits, and ends when that is written.
    """

    def __init__(self, descriptor: int, name: str, *, seconds_until_unready: float = SECONDS_UNTIL_UNREADY) -> None:
        super().__init__(descriptor)
        self.name = name
        self._seconds_until_unready = seconds_until_unready
        self.lost = 0
        """How many lines there was no room for."""
        # Of so much, and no more, poll says whether it can be written without waiting (POSIX, write).
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        self._piece_bytes = sys.maxsize if is_file else select.PIPE_BUF
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        # A line can be logged while one is written: by the garbage collector, in the same thread.
        self._lock = threading.RLock()
        self._is_busy = False
        self._waiting: deque[bytes | memoryview] = deque()
        self._kept_bytes = 0
        self._stuck: _Stuck | None = None
        self._thread: threading.Thread | None = None
        self._is_ending = threading.Event()
        self._ends_at = math.inf

    @property
    def waiting(self) -> int:
        """How many lines could not be written yet."""
        return len(self._waiting)

    def unready_reason(self) -> str | None:
        """Return why lines are not written for a while now, and how many; None where they are."""
        stuck = self._stuck
        if stuck is None or time.monotonic() - stuck.since < self._seconds_until_unready:
            return None
        return f"{self.name} cannot be written ({stuck.reason}): {self.waiting} lines wait, {self.lost} are lost"

    def write_line(self, text: str) -> None:
        """Write a text and the end of its line."""
        self._take(f"{text}\n".encode(errors="backslashreplace"))

    @override
    def write(self, data: "ReadableBuffer", /) -> int:
        line = bytes(data)
        self._take(line)
        return len(line)

    def finish(self) -> None:
        """Give what waits a last moment, at the end of the program."""
        self._ends_at = time.monotonic() + _LAST_SECONDS
        self._is_ending.set()
        thread = self._thread
        if thread is not None:
            thread.join(_LAST_SECONDS)

    def _take(self, line: bytes) -> None:
        with self._lock:
            if self._stuck or self._is_busy:
                self._keep(line)
            else:
                self._waiting.append(line)
            if self._is_busy:
                return
            self._is_busy = True
            try:
                reason = self._write_waiting()
            finally:
                self._is_busy = False
            if reason is not None:
                self._get_stuck(reason)

    def _keep(self, line: bytes) -> None:
        if self._kept_bytes + len(line) > MOST_KEPT_BYTES:
            self.lost += 1
            return
        self._kept_bytes += len(line)
        self._waiting.append(line)

    def _count_kept(self) -> None:
        # Where all is well nothing is counted: each line would pay for it.
        self._kept_bytes = sum(map(len, self._waiting))

    def _write_waiting(self) -> str | None:
        """Write all that waits; return why that came to an end before it was done."""
        waiting = self._waiting
        while waiting:
            if not self._poll.poll(0):
                return _NOT_READ
            line = waiting[0]
            try:
                written = os.write(self._descriptor, line[: self._piece_bytes])
            except OSError as error:
                return error.strerror or type(error).__name__
            if written == len(line):
                waiting.popleft()
            else:
                waiting[0] = memoryview(line)[written:]
        self._stuck = None
        return None

    def _get_stuck(self, reason: str) -> None:
        self._stuck = self._stuck or _Stuck(reason, self.lost, time.monotonic())
        self._count_kept()
        thread = threading.Thread(target=self._go_on, name=f"{self.name}, stuck", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # Where there can be no thread, the next line tries again.
            return
        self._is_busy = True
        self._thread = thread

    def _go_on(self) -> None:
        while not (self._is_written() or self._is_over()):
            self._await_room()

    def _is_over(self) -> bool:
        """Return whether the program ends and what waits is given up: a reader may still come, a disk stays full."""
        is_read = self._stuck is None or self._stuck.reason == _NOT_READ
        return time.monotonic() >= self._ends_at or (self._is_ending.is_set() and not is_read)

    def _await_room(self) -> None:
        if self._stuck and self._stuck.reason == _NOT_READ:
            # poll counts in milliseconds.
            self._poll.poll(1000 * _RETRY_SECONDS)
        else:
            self._is_ending.wait(_RETRY_SECONDS)

    def _is_written(self) -> bool:
        """Write what waits; where nothing is left, let the other threads write again."""
        with self._lock:
            stuck = self._stuck
            reason = self._write_waiting()
            if stuck and reason:
                stuck.reason = reason
                self._count_kept()
                return False
            self._is_busy = False
            self._thread = None
        if stuck and self.lost > stuck.lost_before:
            lost = self.lost - stuck.lost_before
            log.error("%d lines for %s are lost: it could not be written (%s)", lost, self.name, stuck.reason)
        return True


outputs: list[Output] = []
"""Those of this program."""


def unready_reasons() -> list[str]:
    """Return which of them cannot be written, and why."""
    reasons = (output.unready_reason() for output in outputs)
    return [reason for reason in reasons if reason is not None]


class LineHandler(logging.Handler):
    """Writes each record as a line; of one that cannot be formatted, what it was to say."""

    def __init__(self, output: Output) -> None:
        super().__init__()
        self._output = output

    @override
    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception as error:  # noqa: BLE001  # whatever a value does when it is asked for its text
            line = self._format_plainly(record, error)
        self._output.write_line(line)

    def _format_plainly(self, record: logging.LogRecord, error: Exception) -> str:
        said = text_of(record.msg)
        plain = logging.makeLogRecord(
            {
                **{name: getattr(record, name) for name in ("name", "levelname", "levelno", "created")},
                "msg": f"{said} (it cannot be shown as a whole: {type(error).__name__})",
            }
        )
        try:
            return self.format(plain)
        except Exception:  # noqa: BLE001  # as above
            return said


def text_of(value: object) -> str:
    """Return a text as it is, and the repr of anything else, where it has one."""
    try:
        return value if isinstance(value, str) else repr(value)
    except Exception as error:  # noqa: BLE001  # it may raise whatever it likes
        return f"<{type(value).__name__}, whose repr raises {type(error).__name__}>"


def protect(name: Literal["stdout", "stderr"], *, seconds_until_unready: float = SECONDS_UNTIL_UNREADY) -> Output:
    """Let all that is written to the stream from now on, whoever writes it, go to an Output; return that."""
    stream: TextIO | None = getattr(sys, name)
    shown_name = {"stdout": "standard output", "stderr": "standard error"}[name]
    output = Output(_descriptor_of(stream), shown_name, seconds_until_unready=seconds_until_unready)
    encoding = getattr(stream, "encoding", None) or "utf-8"
    setattr(sys, name, io.TextIOWrapper(output, encoding, errors="backslashreplace", line_buffering=True))
    outputs.append(output)
    atexit.register(output.finish)
    return output


def _descriptor_of(stream: TextIO | None) -> int:
    """Return a descriptor of its own, so that nobody closes it."""
    if stream is None:
        # It was closed when the program began; in its place, one that cannot be written either.
        return os.open(os.devnull, os.O_RDONLY)
    return os.dup(stream.fileno())
