"""A run of the tests ends, whatever a test does and wherever it was started."""

import subprocess
import sys
from pathlib import Path

from stack.config import ROOT

# As a shell starts what is to go on without it: `nohup make test &`.
IGNORING = 'trap "" INT QUIT HUP TERM; exec "$0" "$@"'

SIGNALS_IGNORED_BY_A_CHILD = """
import subprocess, sys
from tests.conftest import let_children_hear_signals

let_children_hear_signals()
child = "import signal; print([each.name for each in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM)"
child += " if signal.getsignal(each) is signal.SIG_IGN])"
subprocess.run([sys.executable, "-c", child], check=True)
"""

HANGS = """
import threading


def wait_for_ever():
    threading.Event().wait()


def test_hangs():
    threading.Thread(target=wait_for_ever, daemon=True, name="beside").start()
    wait_for_ever()


def test_next():
    pass
"""


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603  # our own programs
        ["/bin/sh", "-c", IGNORING, *command], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_what_a_test_starts_hears_the_signals_that_the_run_ignores() -> None:
    done = run(sys.executable, "-c", SIGNALS_IGNORED_BY_A_CHILD)

    assert done.stdout == "[]\n", done.stderr


def test_a_test_that_hangs_fails_with_the_stack_of_each_thread_and_the_next_is_run(tmp_path: Path) -> None:
    hangs = tmp_path / "test_hangs.py"
    hangs.write_text(HANGS)
    limits = ("-o", "timeout=2", "-o", "faulthandler_timeout=1")

    settings = ("-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path), "--numprocesses", "1")
    done = run(sys.executable, "-m", "pytest", *settings, *limits, str(hangs))

    assert "1 failed, 1 passed" in done.stdout
    assert "Failed: Timeout" in done.stdout
    # That of the test itself, and that beside it.
    assert done.stderr.count("in wait_for_ever") == 2
