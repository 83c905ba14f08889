"""The end of a log, what is written to it, and what was rotated away."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stack import log_files
from stack.log_files import LogFile, end, rotated, whole
from stack.log_line import RawLine


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "api.log"


@pytest.fixture(autouse=True)
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_files, "POLL_SECONDS", 0)


def texts(batches: Iterator[list[RawLine]]) -> list[str]:
    return [line.text for line in next(batches)]


def rotate(log: Path) -> None:
    """As supervisord does it."""
    for older in rotated(log):
        older.rename(log.with_name(f"{log.name}.{int(older.suffix[1:]) + 1}"))
    log.rename(log.with_name(f"{log.name}.1"))
    log.touch()


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
        rotate(log)
    log.write_text("11\n")

    assert [line.text for batch in whole({"api": log}) for line in batch] == [str(number) for number in range(12)]


def test_with_follow_what_is_written_from_then_on_comes_too(log: Path) -> None:
    log.write_text("old\n")
    batches = end({"api": log}, 0, follow=True)
    assert texts(batches) == []

    with log.open("a") as stream:
        stream.write("new\n")

    assert texts(batches) == ["new"]
    assert texts(batches) == []


def test_lines_are_read_when_they_are_whole(log: Path) -> None:
    followed = LogFile(log)
    log.write_text("old\nunfin")
    assert followed.new_lines() == ["old"]

    with log.open("a") as stream:
        stream.write("ished\n")

    assert followed.new_lines() == ["unfinished"]


def test_a_rotation_loses_no_line(log: Path) -> None:
    followed = LogFile(log)
    log.write_text("one\n")
    assert followed.new_lines() == ["one"]

    with log.open("a") as stream:
        stream.write("last of the old\n")
    rotate(log)
    log.write_text("first of the new\n")

    assert followed.new_lines() == ["last of the old", "first of the new"]


def test_a_file_that_was_emptied_is_read_from_its_start(log: Path) -> None:
    followed = LogFile(log)
    log.write_text("long ago\n")
    followed.new_lines()

    log.write_text("new\n")

    assert followed.new_lines() == ["new"]
