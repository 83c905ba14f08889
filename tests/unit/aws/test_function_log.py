"""The log of a function: its processes' lines as a whole, kept within bounds."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

from function_log import FunctionLog


def pipe_with(text: bytes) -> IO[bytes]:
    """What a process has printed that has ended."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as stream:
        stream.write(text)
    return os.fdopen(reading, "rb")


def test_what_a_process_prints_is_its_log(tmp_path: Path) -> None:
    log = FunctionLog(tmp_path / "logs" / "function.log")

    log.follow(pipe_with(b"one\ntwo")).join()

    assert log.path.read_bytes() == b"one\ntwo"


def test_lines_of_several_processes_are_written_as_a_whole(tmp_path: Path) -> None:
    log = FunctionLog(tmp_path / "function.log")
    lines = [f"{name}{number}".ljust(200).encode() + b"\n" for name in "abcd" for number in range(50)]

    with ThreadPoolExecutor() as threads:
        for thread in threads.map(log.follow, [pipe_with(b"".join(lines[n::4])) for n in range(4)]):
            thread.join()

    assert sorted(log.path.read_bytes().splitlines(keepends=True)) == sorted(lines)


def test_a_line_of_our_own_has_the_form_of_the_services_lines(tmp_path: Path) -> None:
    log = FunctionLog(tmp_path / "function.log")

    log.note("function ended", reason="it was killed")

    line = json.loads(log.path.read_text())
    assert (line["event"], line["level"], line["reason"]) == ("function ended", "error", "it was killed")
    assert line["timestamp"].endswith("+00:00")


def test_a_log_that_is_full_is_rotated_and_two_older_ones_are_kept(tmp_path: Path) -> None:
    log = FunctionLog(tmp_path / "function.log", most_bytes=10)

    log.follow(pipe_with(b"".join(f"line {n:04}\n".encode() for n in range(5)))).join()
    log.note("last")

    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["function.log.1", "function.log.2"]
    assert "last" in (tmp_path / "function.log.1").read_text()
    assert (tmp_path / "function.log.2").read_text() == "line 0004\n"
