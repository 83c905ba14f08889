"""What is finished once it has begun, tried in a process of its own that is sent signals."""

import signal
import subprocess
import sys

import pytest

from stack.commands.once_begun import CTRL_C_AGAIN
from stack.config import ROOT

# So much that it is still printing when the signal comes.
MANY = 5_000

WORK = """
import sys
from stack.commands.once_begun import finished_once_begun

def say(line):
    sys.stdout.write(f"{line}\\n")
    sys.stdout.flush()

try:
    with finished_once_begun(say):
        say("begun")
        # Each line that it is sent is a part of the work.
        for part in sys.stdin:
            say(f"worked {part.strip()}")
        say("finished")
except KeyboardInterrupt:
    say("interrupted")
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

    assert [line for line in said if line != CTRL_C_AGAIN] == ["worked a part", "finished"]
    assert said.count(CTRL_C_AGAIN) == (number is signal.SIGINT)


def test_ctrl_c_while_something_is_printed_is_reported_as_well() -> None:
    with begin() as process:
        assert process.stdin is not None
        for _ in range(MANY):
            process.stdin.write("a part\n")
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
        said = process.communicate()[0].splitlines()

    assert said.count("worked a part") == MANY
    assert said.count(CTRL_C_AGAIN) == 1
    # It is said beside the work, and may be said behind its end.
    assert [line for line in said if line != CTRL_C_AGAIN][-1] == "finished"


def test_a_second_ctrl_c_ends_it() -> None:
    with begin() as process:
        assert process.stdout is not None
        process.send_signal(signal.SIGINT)
        assert "Ctrl-C again" in process.stdout.readline()
        process.send_signal(signal.SIGINT)

        assert process.communicate()[0] == "interrupted\n"
