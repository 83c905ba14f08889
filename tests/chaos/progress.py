"""What is seen while a run goes on: a bar on a terminal, and everywhere a line for each fault and each step."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar


class Progress:
    """Shown inside a `with` block; the bar is full when so many tasks are heard of."""

    def __init__(self, console: Console, tasks: int) -> None:
        self._bar = Bar(
            BarColumn(),
            TextColumn("{task.description}", markup=False),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=tasks)
        self._console = console
        self._began = time.monotonic()
        self._figures = ""
        self._step = ""

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        """Print what happens now, a step or a fault."""
        self._step = text
        self._console.print(f"{self._time()}  {self._figures}{text}", markup=False, soft_wrap=True)
        self._refresh()

    def count(self, accepted: int, heard: int) -> None:
        """Note how many tasks are accepted, and of how many of them the receiver has heard."""
        self._figures = f"accepted {accepted:5}  heard {heard:5}  "
        self._bar.update(self._task, completed=heard)
        self._refresh()

    def _refresh(self) -> None:
        self._bar.update(self._task, description=f"{self._time()}  {self._figures}{self._step}")

    def _time(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        return f"{minutes}:{seconds:02}"
