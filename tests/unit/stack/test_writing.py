"""What cannot be written is one line that names the file, the cause and what to do; what was written before stays."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stack.broker.provisioning import place_init
from stack.commands.lock import alone
from stack.config import ROOT
from stack.errors import StackError, writing
from stack.native.supervisor import Supervisor
from stack.whole_file import write_whole


@contextmanager
def no_file_larger_than(most_bytes: int) -> Iterator[None]:
    """Let the system refuse to write more, as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_that_cannot_be_written_as_a_whole_stays_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "saved-messages.json"
    write_whole(file, "before")

    with no_file_larger_than(100), pytest.raises(StackError) as raised:
        write_whole(file, "x" * 101)

    assert str(raised.value) == f"{file} cannot be written (File too large): allow larger files (ulimit -f)."
    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]


def test_a_full_disk_is_reported_with_what_to_do() -> None:
    full = Path("/dev/full")
    with pytest.raises(StackError) as raised, writing(full):
        full.write_text("x")

    assert str(raised.value) == "/dev/full cannot be written (No space left on device): make room on its disk."


@pytest.fixture
def no_directory(tmp_path: Path) -> Path:
    """The path of a directory that cannot be made, as a file is in its way; root cannot either."""
    (tmp_path / "file").write_text("x")
    return tmp_path / "file" / "stack"


def test_where_no_directory_can_be_the_lock_says_so(no_directory: Path) -> None:
    with pytest.raises(StackError) as raised, alone("make up", no_directory, print):
        pytest.fail("nothing may run")

    assert str(raised.value).startswith(f"{no_directory}/lock cannot be written (Not a directory): name a directory")


def test_so_do_supervisord_and_the_hook(no_directory: Path) -> None:
    with pytest.raises(StackError, match="cannot be written"):
        Supervisor(no_directory).launch([], {})
    with pytest.raises(StackError, match="cannot be written"):
        place_init(no_directory, "{}")


def test_a_command_says_it_in_its_last_line(no_directory: Path) -> None:
    environment = {**os.environ, "STACK_DIR": str(no_directory), "MODE": "native"}

    command = [sys.executable, "-m", "stack", "up"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603

    assert done.returncode == 1
    assert done.stderr == f"{no_directory}/lock cannot be written (Not a directory): name a directory with STACK_DIR.\n"


def test_the_lock_needs_no_room(tmp_path: Path) -> None:
    with no_file_larger_than(0), alone("make down", tmp_path, print):
        """It runs: what it stops may be what fills the disk."""
