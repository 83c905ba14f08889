"""One command at a time changes a stack: `up` and `down` hold the lock in its directory for as long as they run.

It is the system's (flock), so a command that was killed holds it no more.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from stack.console import OnProgress


@contextmanager
def alone(command: str, directory: Path, on_progress: OnProgress) -> Iterator[None]:
    """Let the block run when no other command changes the stack of the directory; say for whom it waits."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_progress(f"Waiting for {_holder(directory)} to finish (Ctrl-C: leave it alone).")
            fcntl.flock(lock, fcntl.LOCK_EX)
        lock.truncate(0)
        lock.write(f"`{command}` (process {os.getpid()}, since {datetime.now().astimezone():%H:%M:%S})")
        lock.flush()
        try:
            yield
        finally:
            lock.truncate(0)


def _holder(directory: Path) -> str:
    """Who holds the lock, where it has said so already."""
    return (directory / "lock").read_text() or "another command"
