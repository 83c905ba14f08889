"""Standard output and standard error: to write never fails, waits or raises; what cannot be written is reported."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.streams.output import MOST_KEPT_BYTES, SECONDS_UNTIL_UNREADY, Output
from stack.config import ROOT

PATIENCE_SECONDS = 60
LINE = "x" * 999
"""A kilobyte with its end."""


@dataclass
class Pipe:
    """A pipe whose writing end an Output has."""

    output: Output
    reading: int
    writing: int

    def read(self, lines: int) -> list[bytes]:
        """Read until so many lines have come."""
        data = b""
        while data.count(b"\n") < lines:
            data += os.read(self.reading, 1_000_000)
        return data.splitlines()

    def close_reader(self) -> None:
        os.close(self.reading)
        self.reading = -1


@contextmanager
def opened(seconds_until_unready: float) -> Iterator[Pipe]:
    reading, writing = os.pipe()
    output = Output(writing, "standard output", seconds_until_unready=seconds_until_unready)
    pipe = Pipe(output, reading, writing)
    yield pipe
    with suppress(OSError):
        os.close(pipe.reading)
    output.finish()
    os.close(writing)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    with opened(SECONDS_UNTIL_UNREADY) as pipe:
        yield pipe


@pytest.fixture
def impatient_pipe() -> Iterator[Pipe]:
    """One whose output is unready as soon as it is stuck."""
    with opened(0) as pipe:
        yield pipe


def stuck_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "standard output, stuck"]


def wait_until(reached: Callable[[], bool]) -> None:
    tick = threading.Event()
    for _ in range(100 * PATIENCE_SECONDS):
        if reached():
            return
        tick.wait(0.01)
    raise AssertionError


def test_a_line_is_written_at_once_by_who_has_it(pipe: Pipe) -> None:
    pipe.output.write_line("one")
    pipe.output.write_line("two \udcff \u20ac")

    assert pipe.read(2) == [b"one", "two \\udcff \u20ac".encode()]
    assert pipe.output.waiting == 0
    assert stuck_threads() == []
    assert pipe.output.unready_reason() is None


def test_a_reader_that_reads_no_more_holds_nobody_up_and_gets_every_line_later(impatient_pipe: Pipe) -> None:
    pipe = impatient_pipe
    for number in range(500):
        pipe.output.write_line(f"{number:03} {LINE}")

    waiting = pipe.output.waiting
    assert waiting > 400
    reason = f"standard output cannot be written (nobody reads it): {waiting} lines wait, 0 are lost"
    assert pipe.output.unready_reason() == reason
    assert pipe.read(500) == [f"{number:03} {LINE}".encode() for number in range(500)]
    wait_until(lambda: pipe.output.unready_reason() is None)
    assert (pipe.output.waiting, pipe.output.lost) == (0, 0)


def test_a_line_that_is_longer_than_the_pipe_holds_nobody_up_and_comes_as_a_whole(pipe: Pipe) -> None:
    line = "".join(f"{number:06}" for number in range(50_000))

    pipe.output.write_line(line)
    pipe.output.write_line("next")

    assert pipe.read(2) == [line.encode(), b"next"]


def test_what_there_is_no_room_for_is_counted_and_reported_when_lines_can_be_written_again(
    pipe: Pipe, caplog: pytest.LogCaptureFixture
) -> None:
    lines = 2 * MOST_KEPT_BYTES // 1000
    for number in range(lines):
        pipe.output.write_line(f"{number:06}{LINE[6:]}")

    lost = pipe.output.lost
    assert 0 < lost < lines
    assert MOST_KEPT_BYTES - 2000 < 1000 * pipe.output.waiting <= MOST_KEPT_BYTES + 1000
    came = pipe.read(lines - lost)
    assert [int(line[:6]) for line in came] == list(range(lines - lost))
    wait_until(lambda: bool(caplog.messages))
    said = f"{lost} lines for standard output are lost: it could not be written (nobody reads it)"
    assert caplog.messages == [said]


def test_a_reader_that_is_gone_is_reported(impatient_pipe: Pipe) -> None:
    impatient_pipe.close_reader()

    for _ in range(3):
        impatient_pipe.output.write_line("nobody hears")

    reason = "standard output cannot be written (Broken pipe): 3 lines wait, 0 are lost"
    assert impatient_pipe.output.unready_reason() == reason


def test_a_pause_is_no_failure(pipe: Pipe) -> None:
    pipe.close_reader()

    pipe.output.write_line("nobody hears")

    assert pipe.output.waiting == 1
    assert pipe.output.unready_reason() is None


def test_a_line_that_is_logged_while_one_is_written_follows_it(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = ["inner"]
    write = os.write

    def write_and_log(descriptor: int, data: bytes) -> int:
        if inner:
            pipe.output.write_line(inner.pop())
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", write_and_log)
    pipe.output.write_line(LINE * 8)

    assert pipe.read(2) == [(LINE * 8).encode(), b"inner"]


def test_where_no_thread_can_be_started_the_next_line_tries_again(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    lines = 2 * MOST_KEPT_BYTES // 1000
    for _ in range(lines):
        pipe.output.write_line(LINE)
    assert 1000 * pipe.output.waiting <= MOST_KEPT_BYTES + 1000

    os.read(pipe.reading, 1_000_000)
    pipe.output.write_line("next")

    assert pipe.output.waiting < (lines - pipe.output.lost) - 100


def test_a_program_that_ends_waits_a_moment_for_its_reader(pipe: Pipe) -> None:
    for _ in range(200):
        pipe.output.write_line(LINE)
    assert pipe.output.waiting > 0

    reading = threading.Thread(target=pipe.read, args=(200,))
    reading.start()
    pipe.output.finish()
    reading.join()

    assert pipe.output.waiting == 0


def run_program(program: str, redirection: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # a program of this file
        ["/bin/sh", "-c", f'exec "$0" "$@" {redirection}', sys.executable, "-c", program],
        env={**os.environ, **environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


PRINTING = """
import sys
from services.streams.output import outputs, protect

protect("stderr")
protect("stdout")
print("a line", end=" ")
print("of two \\udcff calls")
sys.stderr.write("an error\\n")
sys.exit(sum(output.waiting for output in outputs))
"""


def test_whatever_a_program_prints_goes_the_same_way() -> None:
    ended = run_program(PRINTING)

    assert (ended.stdout, ended.stderr) == ("a line of two \\udcff calls\n", "an error\n")
    assert ended.returncode == 0


@pytest.mark.parametrize(
    ("redirection", "waiting"),
    [("> /dev/full", 1), ("2> /dev/full", 1), ("> /dev/full 2>&1", 2), (">&-", 1), (">&- 2>&-", 2), ("> /dev/null", 0)],
)
def test_a_program_ends_as_it_wants_to_wherever_its_output_goes(redirection: str, waiting: int) -> None:
    assert run_program(PRINTING, redirection).returncode == waiting


WITHIN_A_LIMIT = """
import resource, sys, time
from services.streams.output import protect

output = protect("stdout")
unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1500, unlimited[1]))
for number in range(3):
    output.write_line(str(number) * 999)
assert output.waiting == 2
resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
while output.waiting:
    time.sleep(0.01)
"""


def test_a_line_that_was_half_written_when_the_disk_was_full_becomes_whole(tmp_path: Path) -> None:
    ended = run_program(WITHIN_A_LIMIT, f"> {tmp_path}/log")

    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "log").read_text().splitlines() == [str(number) * 999 for number in range(3)]


CLOSED_AT_THE_BEGIN = """
import sys
from services.streams.output import protect

output = protect("stdout")
with open(sys.argv[1], "w") as file:
    output.write_line("a line")
sys.exit(output.waiting)
"""


def test_no_line_goes_into_a_file_that_has_taken_the_place_of_a_closed_output(tmp_path: Path) -> None:
    program = CLOSED_AT_THE_BEGIN.replace("sys.argv[1]", repr(str(tmp_path / "file")))

    assert run_program(program, ">&-").returncode == 1
    assert (tmp_path / "file").read_text() == ""
