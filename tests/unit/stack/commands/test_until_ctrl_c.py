"""What is followed ends by one signal, wherever that meets it; tried in real processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import indent

import pytest

from stack.config import ROOT
from tests.unit.services.streams.processes import start

FOLLOW = """
import sys, threading
from services.streams.standard_streams import run_command
from stack.commands.until_ctrl_c import until_ctrl_c

def follow():
    sys.stderr.write("follows\\n")
    threading.Event().wait()

def command():
    until_ctrl_c(follow)

run_command(command)
"""


def following(work: str, before: str = "") -> str:
    """The program whose work is this text."""
    return FOLLOW.replace("import sys, threading\n", f"import signal, sys, threading, weakref\n{before}").replace(
        "    threading.Event().wait()\n", indent(work, "    ")
    )


# So an import of a module with a dataclass does.
FOLLOW_IN_TEXT = following('exec("threading.Event().wait()")\n')

# On a busy machine, the signal by which the reader's end is known may come when all is over.
INTERRUPTED_LATE = FOLLOW.replace("import sys, threading", "import signal, sys, threading").replace(
    "until_ctrl_c(follow)\n", "until_ctrl_c(follow)\n    signal.raise_signal(signal.SIGINT)\n"
)

# Whoever sees that a signal is handled may send it at once.
INTERRUPTED_EARLY = FOLLOW.replace(
    "def command():\n",
    """
import signal

def interrupt(_frame, event, function):
    if event == "c_return" and function.__name__ == "signal":
        sys.setprofile(None)
        signal.raise_signal(signal.SIGINT)

def command():
    sys.setprofile(interrupt)
""",
)

THING = """
class Thing:
    def __del__(self):
        if self.ends:
            signal.raise_signal(signal.SIGTERM)

def interrupt(_gone):
    signal.raise_signal(signal.SIGTERM)

thing = Thing()
"""

# What other code makes of an exception that meets it, as pydantic's core does while it builds a model.
ENDED_ELSEWHERE = {
    "made another error": following("""
try:
    signal.raise_signal(signal.SIGTERM)
except BaseException as error:
    raise ValueError(str(error))
"""),
    "forgotten": following("""
try:
    signal.raise_signal(signal.SIGTERM)
except BaseException:
    pass
threading.Event().wait()
"""),
    "forgotten by the work that ends": following("""
try:
    signal.raise_signal(signal.SIGTERM)
except BaseException:
    pass
"""),
    "in a finalizer": following("global thing\nthing.ends = True\ndel thing\nthreading.Event().wait()\n", THING),
    "in a callback of a weak reference": following(
        "global thing\nthing.ends = False\nreference = weakref.ref(thing, interrupt)\n"
        "del thing\nthreading.Event().wait()\n",
        THING,
    ),
}

ENDED_TWICE = following("""
try:
    signal.raise_signal(signal.SIGINT)
finally:
    signal.raise_signal(signal.SIGINT)
    sys.stderr.write("tidied up\\n")
""")

WRONG = following('raise ValueError("wrong")\n')


@pytest.mark.parametrize("program", [FOLLOW, INTERRUPTED_LATE], ids=["at once", "interrupted late"])
def test_a_follower_that_has_nothing_to_print_ends_with_its_reader_too(program: str) -> None:
    with start("-c", program) as process:
        assert process.stdout
        assert process.stderr
        assert process.stderr.readline() == "follows\n"
        process.stdout.close()

        assert (process.stderr.read(), process.wait()) == ("", 0)


def test_a_follower_whose_reader_is_gone_before_it_begins_ends_too() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([sys.executable, "-c", FOLLOW], cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, check=False)  # noqa: S603
    os.close(writing)

    assert (done.returncode, done.stderr.replace(b"follows\n", b"")) == (0, b"")


@pytest.mark.parametrize("program", [FOLLOW, FOLLOW_IN_TEXT], ids=["waits", "runs text"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_follower_ends_by_ctrl_c_and_by_sigterm_as_it_should(
    number: signal.Signals, program: str, tmp_path: Path
) -> None:
    (tmp_path / "follower.py").write_text(program)
    with start("-m", "follower", PYTHONPATH=f"{tmp_path}:{ROOT}") as process:
        assert process.stderr
        assert process.stderr.readline() == "follows\n"
        process.send_signal(number)

        assert (process.stderr.read(), process.wait()) == ("", 0)


@pytest.mark.parametrize("program", ENDED_ELSEWHERE.values(), ids=ENDED_ELSEWHERE)
def test_a_follower_ends_by_one_signal_whatever_other_code_makes_of_it(program: str) -> None:
    with start("-c", program) as process:
        assert process.stderr
        assert (process.stderr.read(), process.wait()) == ("follows\n", 0)


def test_a_follower_that_is_asked_to_end_twice_tidies_up_as_if_asked_once() -> None:
    with start("-c", ENDED_TWICE) as process:
        assert process.stderr
        assert (process.stderr.read(), process.wait()) == ("follows\ntidied up\n", 0)


def test_a_follower_whose_work_goes_wrong_raises_its_error() -> None:
    with start("-c", WRONG) as process:
        assert process.stderr
        assert process.stderr.read().endswith("\nValueError: wrong\n")
        assert process.wait() == 1


def test_a_follower_that_is_ended_before_it_has_begun_ends_as_it_should() -> None:
    with start("-c", INTERRUPTED_EARLY) as process:
        assert process.stderr
        assert (process.stderr.read(), process.wait()) == ("", 0)
