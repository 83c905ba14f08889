"""Ends the work of an attempt that is out of time, as far as it lets itself be ended."""

import asyncio
from typing import Any

import structlog

from services.queueing.timing import CANCELLATION_SECONDS, CANCELLATIONS

log = structlog.get_logger(__name__)


class TaskTimeoutError(Exception):
    """An attempt at a task took longer than `TASK_TIMEOUT_SECONDS`.

    `left_running` is its work where that has ignored its cancellation and goes on.
    """

    def __init__(self, message: str, left_running: "asyncio.Task[Any] | None" = None) -> None:
        super().__init__(message)
        self.left_running = left_running


async def cut_short(work: "asyncio.Task[Any]") -> bool:
    """Cancel the work, and again where it goes on; return whether it has ended.

    Where it has not, it is left running: nobody waits for it, and what comes of it is logged and goes nowhere.
    """
    for cancellation in range(CANCELLATIONS):
        if cancellation:
            log.warning("the task ignores its cancellation, and is cancelled again")
        work.cancel()
        await asyncio.wait({work}, timeout=CANCELLATION_SECONDS)
        if work.done():
            _retrieve(work)
            return True
    log.error("the task ignores its cancellation, and is left running")
    work.add_done_callback(_log_end)
    return False


def _log_end(work: "asyncio.Task[Any]") -> None:
    log.warning("a task that was left running has ended; nothing is made of it", error=repr(_retrieve(work)))


def _retrieve(work: "asyncio.Task[Any]") -> BaseException | None:
    """Return the error that the work has ended with; asyncio complains of one that nobody has asked for."""
    return None if work.cancelled() else work.exception()
