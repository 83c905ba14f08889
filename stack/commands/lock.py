"""One command at a time changes a stack: `up` and `down` hold the lock in its directory for as long as they run.

It is the system's (flock), so a command that was killed holds it no more.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from stack.config import DEFAULT_DIRECTORY
from stack.errors import StackError, writing
from stack.state import left_something_queued
from stack.terminal import OnProgress


@contextmanager
def alone(command: str, directory: Path, on_progress: OnProgress) -> Iterator[None]:
    """Let the block run when no other command changes the stack of the directory; say for whom it waits.

    Raises `StackError` where the directory is no stack's, or cannot be written to.
    """
    with _open(directory) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_progress(f"Waiting for {_holder(directory)} to finish (Ctrl-C: leave it alone).")
            fcntl.flock(lock, fcntl.LOCK_EX)
        lock.truncate(0)
        # A full disk has no room for it, and what holds the lock may be what makes room.
        with suppress(OSError):
            lock.write(f"`{command}` (process {os.getpid()}, since {datetime.now().astimezone():%H:%M:%S})".encode())
        try:
            yield
        finally:
            lock.truncate(0)


def _open(directory: Path) -> BinaryIO:
    """Each stack's directory has one: what is in another is somebody's own, not to be replaced or removed."""
    file = directory / "lock"
    with writing(file):
        directory.mkdir(parents=True, exist_ok=True)
        is_own = file.exists() or left_something_queued(directory) or directory == DEFAULT_DIRECTORY
        if not is_own and any(directory.iterdir()):
            raise StackError(f"{directory} has files, and is no stack's: name a folder of its own with STACK_DIR=…")
        return file.open("ab+", buffering=0)


def _holder(directory: Path) -> str:
    """Who holds the lock, where it has said so already."""
    return (directory / "lock").read_text() or "another command"
