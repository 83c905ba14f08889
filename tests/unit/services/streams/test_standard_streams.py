"""What a command's standard output cannot take costs what is printed, never the work; tried in real processes."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from stack.config import ROOT
from tests.unit.services.streams.processes import environment, start

WORK = """
import pathlib, sys
from services.streams.standard_streams import run_command

def work():
    for number in range(3):
        print(f"step {number}")
    pathlib.Path(sys.argv[1]).write_text("done")

run_command(work)
"""

PRINT_WITHOUT_END = """
from services.streams.standard_streams import end_unread, run_command

def print_without_end():
    end_unread()
    while True:
        print("a line")

run_command(print_without_end)
"""

# What it reads, and what it gives to others, is UTF-8; what it prints is of the terminal's encoding.
TEXT = """
import json, os, pathlib, subprocess, sys
from services.streams.standard_streams import encodable_json, run_command

def work():
    text = pathlib.Path(sys.argv[1]).read_text()
    given = subprocess.run(["printenv", "TEXT"], env={**os.environ, "TEXT": text}, capture_output=True, text=True)
    print(text, given.stdout.strip() == text)
    print(encodable_json(json.dumps(text, ensure_ascii=False)))

run_command(work)
"""

ASCII_LOCALE = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


def in_shell(script: str, redirection: str, argument: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # our own program
        ["/bin/bash", "-c", f'"$0" -c "$1" "$2" {redirection}', sys.executable, script, argument],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def printed(text: str, tmp_path: Path, changes: Mapping[str, str]) -> list[str]:
    (tmp_path / "text").write_text(text, encoding="utf-8")
    command = [sys.executable, "-c", TEXT, str(tmp_path / "text")]
    done = subprocess.run(command, cwd=ROOT, env=environment(**changes), capture_output=True, check=True)  # noqa: S603
    return done.stdout.decode("ascii").splitlines()


@pytest.mark.parametrize(
    ("redirection", "exit_code", "complaint"),
    [
        ("> >(:)", 0, ""),
        ("2>&- > >(:)", 0, ""),
        (">/dev/full", 1, "Standard output cannot be written: No space left on device.\n"),
        (">&-", 1, "Standard output cannot be written: Bad file descriptor.\n"),
        (">/dev/full 2>&1", 1, ""),
        (">/dev/null", 0, ""),
    ],
)
def test_the_work_is_done_whatever_becomes_of_what_it_prints(
    tmp_path: Path, redirection: str, exit_code: int, complaint: str
) -> None:
    done = in_shell(WORK, redirection, tmp_path / "done")

    assert (tmp_path / "done").read_text() == "done"
    assert (done.returncode, done.stderr) == (exit_code, complaint)


def test_the_work_is_done_though_its_reader_has_gone_before_the_first_line(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-c", WORK, str(tmp_path / "done")]

    done = subprocess.run(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, check=False)  # noqa: S603
    os.close(writing)

    assert (tmp_path / "done").read_text() == "done"
    assert (done.returncode, done.stderr) == (0, b"")


def test_what_does_nothing_but_print_ends_with_its_reader() -> None:
    with start("-c", PRINT_WITHOUT_END) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == "a line\n"
        process.stdout.close()

        assert (process.stderr.read(), process.wait()) == ("", 0)


@pytest.mark.parametrize("changes", [ASCII_LOCALE, {"PYTHONIOENCODING": "ascii"}], ids=["locale", "encoding"])
def test_in_ascii_all_is_printed_readably_and_all_else_is_utf_8(tmp_path: Path, changes: Mapping[str, str]) -> None:
    assert printed("Zoë ≥ 3 …", tmp_path, changes) == [r"Zo\u00eb >= 3 ... True", r'"Zo\u00eb \u2265 3 \u2026"']
