"""The end of a log, what is written to it, and what was rotated away."""

import json
import os
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from supervisor.loggers import (  # type: ignore[import-untyped]  # it has no types
    LevelsByName,
    LogRecord,
    RotatingFileHandler,
)

from stack.logs.files import LogFile, end, whole
from stack.logs.line import ROTATED_AWAY, LineReader, RawLine


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "api.log"


@pytest.fixture
def followed(log: Path) -> Iterator[LogFile]:
    with LogFile(log) as followed:
        yield followed


def texts(batches: Iterator[list[RawLine]]) -> list[str]:
    return [line.text for line in next(batches)]


def rotate(log: Path, *, keep: int = 2) -> None:
    """As supervisord does it."""
    for number in range(keep, 0, -1):
        file = log if number == 1 else log.with_name(f"{log.name}.{number - 1}")
        if file.exists():
            file.rename(log.with_name(f"{log.name}.{number}"))
    log.touch()


def write(log: Path, text: str) -> None:
    with log.open("a") as stream:
        stream.write(text)


def test_the_end_is_the_last_lines(log: Path) -> None:
    log.write_text("one\ntwo\nthree\n")

    assert texts(end({"api": log}, 2, follow=False)) == ["two", "three"]


def test_a_log_that_was_rotated_a_moment_ago_ends_with_lines_of_the_file_before(log: Path) -> None:
    log.write_text("one\ntwo\n")
    rotate(log)
    log.write_text("three\n")

    assert texts(end({"api": log}, 2, follow=False)) == ["two", "three"]


def test_a_program_that_never_ran_has_an_empty_log(log: Path) -> None:
    assert texts(end({"api": log}, 2, follow=False)) == []


def test_each_line_has_the_name_of_its_service(tmp_path: Path) -> None:
    for name in ("api", "receiver"):
        (tmp_path / name).write_text(f"{name} starts\n")

    [lines] = end({name: tmp_path / name for name in ("api", "receiver")}, 1, follow=False)

    assert lines == [RawLine("api", "api starts"), RawLine("receiver", "receiver starts")]


def test_all_that_is_kept_is_read_from_the_oldest_to_the_newest(log: Path) -> None:
    for number in range(11):
        log.write_text(f"{number}\n")
        rotate(log, keep=11)
    log.write_text("11\n")

    assert [line.text for batch in whole({"api": log}) for line in batch] == [str(number) for number in range(12)]


def test_with_follow_what_is_written_from_then_on_comes_too(log: Path) -> None:
    log.write_text("old\n")
    batches = end({"api": log}, 0, follow=True, poll_seconds=0)
    assert texts(batches) == []

    with log.open("a") as stream:
        stream.write("new\n")

    assert texts(batches) == ["new"]
    assert texts(batches) == []


def test_lines_are_read_when_they_are_whole(log: Path, followed: LogFile) -> None:
    log.write_text("old\nunfin")
    assert followed.new_lines() == ["old"]

    with log.open("a") as stream:
        stream.write("ished\n")

    assert followed.new_lines() == ["unfinished"]


@pytest.mark.parametrize("rotations", [1, 2])
def test_rotations_between_two_looks_lose_no_line(log: Path, followed: LogFile, rotations: int) -> None:
    log.write_text("first\n")
    assert followed.new_lines() == ["first"]

    for number in range(rotations):
        write(log, f"{number}\n")
        rotate(log)
    write(log, "last\n")

    assert followed.new_lines() == [*map(str, range(rotations)), "last"]
    assert followed.new_lines() == []


def test_a_log_that_is_rotated_faster_than_it_is_read_has_a_line_where_others_may_be_missing(
    log: Path, followed: LogFile
) -> None:
    log.write_text("first\n")
    followed.new_lines()

    for number in range(5):
        write(log, f"{number}\n")
        rotate(log)
    write(log, "last\n")

    rest, missing, *newer = followed.new_lines()
    assert (rest, newer) == ("0", ["3", "4", "last"])
    assert json.loads(missing)["event"] == ROTATED_AWAY


def test_what_is_missing_is_shown_where_it_is_missing(log: Path, followed: LogFile) -> None:
    log.write_text("first\n")
    os.utime(log, (1000, 1000))
    followed.new_lines()

    for _ in range(4):
        rotate(log)

    [missing] = LineReader().read(RawLine("api", text) for text in followed.new_lines())
    assert (missing.event, missing.at) == (ROTATED_AWAY, 1000)


def test_a_line_and_a_character_that_a_rotation_cuts_in_two_are_whole(log: Path, followed: LogFile) -> None:
    before, after = "größer\n".encode().split(b"\xb6")
    log.write_bytes(before)
    followed.new_lines()

    rotate(log)
    log.write_bytes(b"\xb6" + after)

    assert followed.new_lines() == ["größer"]
    assert texts(end({"api": log}, 5, follow=False)) == ["größer"]
    assert texts(whole({"api": log})) == ["größer"]


def test_a_line_ends_with_a_line_feed_alone(log: Path, followed: LogFile) -> None:
    text = "one\u2028two\x85three\rfour"
    log.write_text(f"{text}\n", newline="")

    assert followed.new_lines() == [text]


def test_a_line_may_be_longer_than_any_buffer(log: Path, followed: LogFile) -> None:
    for _ in range(3):
        write(log, "x" * 1_000_000)
        assert followed.new_lines() == []

    write(log, "\n")

    assert [len(line) for line in followed.new_lines()] == [3_000_000]


def test_the_end_has_the_last_words_of_a_program_that_died_in_mid_line(log: Path) -> None:
    log.write_text("one\ntwo\nFatal")

    assert texts(end({"api": log}, 2, follow=False)) == ["two", "Fatal"]


def test_a_log_is_whole_in_the_midst_of_a_rotation(log: Path, followed: LogFile) -> None:
    log.write_text("one\n")
    followed.new_lines()
    write(log, "two\n")
    log.rename(log.with_name("api.log.1"))

    assert followed.new_lines() == ["two"]
    assert texts(whole({"api": log})) == ["one", "two"]

    log.with_name("api.log.1").rename(log.with_name("api.log.2"))
    log.write_text("three\n")
    assert followed.new_lines() == ["three"]
    assert texts(whole({"api": log})) == ["one", "two", "three"]


def test_a_log_that_begins_while_it_is_followed_is_read_from_its_start(log: Path) -> None:
    batches = end({"api": log}, 0, follow=True, poll_seconds=0)
    assert texts(batches) == []

    log.write_text("one\n")
    rotate(log)
    log.write_text("two\n")

    assert texts(batches) == ["one", "two"]


def test_a_file_that_was_removed_is_read_for_as_long_as_it_is_written(log: Path, followed: LogFile) -> None:
    log.with_name("api.log.1").write_text("long ago\n")
    with log.open("a") as stream:
        followed.last_lines(0)
        log.unlink()
        stream.write("new\n")

    assert followed.new_lines() == ["new"]


def test_a_file_that_was_emptied_is_read_from_its_start_and_reported(log: Path, followed: LogFile) -> None:
    log.write_text("long ago\n")
    followed.new_lines()

    log.write_text("new\n")

    missing, new = followed.new_lines()
    assert json.loads(missing)["event"] == ROTATED_AWAY
    assert new == "new"


def test_every_line_of_a_real_rotating_writer_is_shown_or_said_to_be_missing(log: Path, followed: LogFile) -> None:
    lines = [f"{number:06}" for number in range(30_000)]
    writer = threading.Thread(target=write_as_supervisord, args=(log, "\n".join([*lines, ""]).encode()))
    log.touch()
    seen = followed.new_lines()
    writer.start()
    while writer.is_alive():
        seen += followed.new_lines()
    writer.join()
    seen += followed.new_lines()

    missing = {position for position, line in enumerate(seen) if line.startswith("{")}
    for position, (line, following) in enumerate(pairwise(seen)):
        # What stands next to a gap may be half a line.
        if not missing & {position - 1, position, position + 1, position + 2}:
            assert int(following) == int(line) + 1
    assert (seen[0], seen[-1]) == (lines[0], lines[-1])


def write_as_supervisord(log: Path, text: bytes) -> None:
    handler = RotatingFileHandler(str(log), maxBytes=5_000, backupCount=2)
    for begin in range(0, len(text), 67):
        handler.emit(LogRecord(LevelsByName.INFO, text[begin : begin + 67]))
    handler.close()
