"""Runs asyncio code on a clock of its own: where nothing can run, the next timer is due at once."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")


class _Selector(selectors.SelectSelector):
    """Passes the time that it should have waited, instead of waiting."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("the simulation waits for what can never happen: no timer is left")
        self.now += max(timeout, 0)
        return super().select(0)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop whose clock starts at 0 and jumps from timer to timer; it has no sockets and no threads to wait for."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Return the virtual seconds since the start."""
        return self._virtual.now


def run_in_virtual_time(main: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run the coroutine to its end, as fast as the machine computes it.

    Raises RuntimeError where everything waits and no timer is left.
    """
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
