"""How many messages a consumer works at a time."""

import asyncio
from collections.abc import Callable
from typing import Any


class Slots:
    """The slots of one consumer: an attempt takes one, and so does work that goes on behind its timeout."""

    def __init__(self, total: int, on_freed: Callable[[], None]) -> None:
        self.total = total
        self.taken = 0
        self.left_running = 0
        """How many are held by work that has ignored its cancellation."""
        self._on_freed = on_freed

    def take(self) -> None:
        """Take a slot."""
        self.taken += 1

    def give_back(self) -> None:
        """Give a slot back."""
        self.taken -= 1
        self._on_freed()

    def leave_running(self, work: "asyncio.Task[Any]") -> None:
        """Take a slot for what goes on although its message is let go: such work must not pile up."""
        self.take()
        self.left_running += 1
        work.add_done_callback(self._ended)

    def _ended(self, _work: "asyncio.Task[Any]") -> None:
        self.left_running -= 1
        self.give_back()
