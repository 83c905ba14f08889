"""The end of a log, and what is written to it."""

from pathlib import Path

import pytest

from stack.log_files import new_lines, show, tail


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "api.log"


def test_the_tail_is_the_last_lines(log: Path) -> None:
    log.write_text("one\ntwo\nthree\n")

    assert tail(log, 2) == "two\nthree"


def test_a_program_that_never_ran_has_an_empty_log(log: Path) -> None:
    assert tail(log, 2) == ""


def test_each_line_stands_behind_the_name_of_its_service(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("api", "receiver"):
        (tmp_path / name).write_text(f"[info] {name} starts\n")

    show({name: tmp_path / name for name in ("api", "receiver")}, follow=False)

    assert capsys.readouterr().out == "api      | [info] api starts\nreceiver | [info] receiver starts\n"


def test_new_lines_are_read_when_they_are_whole(log: Path) -> None:
    log.write_text("old\nnew\nunfin")

    lines, offset = new_lines(log, len("old\n"))
    assert lines == ["new"]

    log.write_text("old\nnew\nunfinished\n")
    assert new_lines(log, offset)[0] == ["unfinished"]


def test_a_log_that_was_rotated_is_read_from_its_start(log: Path) -> None:
    log.write_text("new\n")

    assert new_lines(log, 1000) == (["new"], len("new\n"))
