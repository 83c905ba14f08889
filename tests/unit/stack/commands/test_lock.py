"""Two commands that change a stack do so one after the other, and the second says for whom it waits."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

import pytest

from stack.brokers import FAUXQS
from stack.commands.lock import alone
from stack.config import ROOT
from stack.errors import StackError
from stack.state import kept_messages, note_kept_messages, saved_messages_file

HOLD = """
import sys
from pathlib import Path
from stack.commands.lock import alone
with alone("make up", Path(sys.argv[1]), print):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def holder(directory: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until its standard input ends."""
    command = [sys.executable, "-c", HOLD, str(directory)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


class Waiting:
    """A command of this process, in a thread."""

    def __init__(self, directory: Path) -> None:
        self.said: Queue[str] = Queue()
        self.done = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(directory,))
        self._thread.start()

    def _run(self, directory: Path) -> None:
        with alone("make down", directory, self.said.put):
            self.done.set()

    def join(self) -> None:
        self._thread.join()


def test_who_is_alone_says_nothing_and_the_directory_need_not_be_there(tmp_path: Path) -> None:
    with alone("make up", tmp_path / "new", pytest.fail):
        pass
    with alone("make up", tmp_path / "new", pytest.fail):
        pass


@pytest.mark.parametrize("way", ["ends", "is killed"])
def test_the_second_waits_for_the_first_and_says_so(tmp_path: Path, way: str) -> None:
    with holder(tmp_path) as first:
        second = Waiting(tmp_path)
        said = second.said.get()
        assert not second.done.is_set()

        if way == "ends":
            first.communicate()
        else:
            os.kill(first.pid, signal.SIGKILL)
        second.join()

    assert said.startswith(f"Waiting for `make up` (process {first.pid}, since ")
    assert second.done.is_set()


def test_what_it_starts_does_not_hold_the_lock(tmp_path: Path) -> None:
    with alone("make up", tmp_path, pytest.fail):
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with alone("make down", tmp_path, pytest.fail):
        child.communicate(b"\n")


def test_a_folder_with_files_of_ones_own_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "localstack-init").mkdir()

    with pytest.raises(StackError, match=r"has files, and is no stack's: .* STACK_DIR=…"), alone("", tmp_path, print):
        pytest.fail("it must not run")

    assert [each.name for each in tmp_path.iterdir()] == ["localstack-init"]


def test_a_folder_in_which_clean_has_left_what_was_queued_is_a_stacks(tmp_path: Path) -> None:
    saved_messages_file(tmp_path).touch()

    with alone("make up", tmp_path, pytest.fail):
        assert saved_messages_file(tmp_path).exists()


def test_a_folder_in_which_clean_has_left_what_a_broker_keeps_is_a_stacks(tmp_path: Path) -> None:
    note_kept_messages(tmp_path, FAUXQS, 3)
    (tmp_path / "fauxqs").mkdir()

    with alone("make up", tmp_path, pytest.fail):
        assert kept_messages(tmp_path) is not None


def test_stacks_of_other_directories_do_not_wait(tmp_path: Path) -> None:
    with holder(tmp_path / "one"), alone("make up", tmp_path / "other", pytest.fail):
        pass


@pytest.mark.parametrize(
    ("command", "answer"), [("up", "MODE=nowhere is not a mode"), ("down", "Nothing of the stack runs")]
)
def test_the_commands_that_change_a_stack_wait_for_each_other(tmp_path: Path, command: str, answer: str) -> None:
    environment = {**os.environ, "STACK_DIR": str(tmp_path), "MODE": "nowhere"}
    with (
        holder(tmp_path) as first,
        subprocess.Popen(  # noqa: S603
            [sys.executable, "-u", "-m", "stack", command],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as second,
    ):
        assert second.stdout is not None
        assert second.stdout.readline().startswith("Waiting for `make up` (process ")
        first.communicate()
        output, errors = second.communicate()

    assert answer in output + errors
