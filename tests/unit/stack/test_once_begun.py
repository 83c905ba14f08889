"""What is finished once it has begun, tried in a process of its own that is sent signals."""

import signal
import subprocess
import sys

import pytest

from stack.config import ROOT

WORK = """
import sys
from stack.once_begun import finished_once_begun

try:
    with finished_once_begun(lambda line: print(line, flush=True)):
        print("begun", flush=True)
        # Each line that it is sent is a part of the work.
        for part in sys.stdin:
            print("worked", part, end="", flush=True)
        print("finished", flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def begin() -> subprocess.Popen[str]:
    process = subprocess.Popen(  # noqa: S603  # our own program
        [sys.executable, "-c", WORK], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_it_is_finished_though_ctrl_c_is_pressed_or_its_terminal_closed(number: signal.Signals) -> None:
    with begin() as process:
        process.send_signal(number)
        said = process.communicate("a part\n")[0].splitlines()

    assert said[-2:] == ["worked a part", "finished"]
    assert said[:-2] == (
        ["It has begun, and is finished. Ctrl-C again leaves it half done: `make down` goes on from there."]
        if number is signal.SIGINT
        else []
    )


def test_a_second_ctrl_c_ends_it() -> None:
    with begin() as process:
        assert process.stdout is not None
        process.send_signal(signal.SIGINT)
        assert "Ctrl-C again" in process.stdout.readline()
        process.send_signal(signal.SIGINT)

        assert process.communicate()[0] == "interrupted\n"
