"""The threads of a program that consumes: those in which task types work hold up neither its work nor its end."""

import atexit
import os
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import NoReturn

GRACE_SECONDS = 1.0
"""How long threads that have nothing to do may take to end."""


class UnawaitedExecutor(ThreadPoolExecutor):
    """An executor at whose end nobody waits for what it does: a thread cannot be cancelled.

    As the default executor of an event loop it lets `asyncio.run` return at once.
    """

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  # as declared there
        """Begin nothing more."""
        super().shutdown(wait=False, cancel_futures=True)


def threads_at_work(within_seconds: float = GRACE_SECONDS) -> Sequence[threading.Thread]:
    """Return the threads for which the interpreter would wait at its end, and which do not end by themselves soon."""
    deadline = time.monotonic() + within_seconds
    others = [each for each in threading.enumerate() if not each.daemon and each is not threading.current_thread()]
    for thread in others:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [thread for thread in others if thread.is_alive()]


def end_process(exit_code: int) -> NoReturn:
    """End the process as the interpreter does, atexit's functions included, but without waiting for threads."""
    # There is no public name for it.
    atexit._run_exitfuncs()  # noqa: SLF001
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(exit_code)
