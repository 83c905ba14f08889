"""Threads that go on when everything else has ended."""

import subprocess
import sys
import threading
from textwrap import dedent

from services.runtime.threads import UnawaitedExecutor, threads_at_work
from stack.config import ROOT


def test_an_idle_thread_is_not_at_work_and_a_blocked_one_is() -> None:
    release = threading.Event()
    executor, busy = UnawaitedExecutor(1, "idle"), UnawaitedExecutor(1, "busy")
    executor.submit(int).result()
    blocked = busy.submit(release.wait)
    executor.shutdown()
    busy.shutdown()

    try:
        names = [thread.name for thread in threads_at_work(within_seconds=5)]
    finally:
        release.set()
        blocked.result()

    assert "busy_0" in names
    assert "idle_0" not in names


def test_a_process_ends_beside_a_thread_that_never_does_as_any_other() -> None:
    program = """
        import asyncio, atexit, threading
        from services.runtime.threads import UnawaitedExecutor, end_process

        async def main():
            loop = asyncio.get_running_loop()
            loop.set_default_executor(UnawaitedExecutor(1))
            begun = threading.Event()
            loop.run_in_executor(None, lambda: begun.set() or threading.Event().wait())
            begun.wait()

        atexit.register(print, "what was registered")
        asyncio.run(main())
        print("what was printed")
        end_process(3)
    """
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", dedent(program)], cwd=ROOT, stdout=subprocess.PIPE, check=False
    )

    assert (done.returncode, done.stdout) == (3, b"what was printed\nwhat was registered\n")
