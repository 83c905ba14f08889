"""In which mode to run, and what runs the stack in it."""

from collections.abc import Callable, Iterator
from typing import Protocol

from stack.config import Mode, StackSettings
from stack.logs.line import RawLine
from stack.status import ServiceStatus
from stack.terminal import OnProgress


class ModeOfRunning(Protocol):
    """What the commands ask of either mode."""

    def up(self, settings: StackSettings, before: StackSettings | None, on_progress: OnProgress) -> None:
        """Start the stack and return when every service is ready. `before` is how it runs until now."""

    def down(self, settings: StackSettings, on_progress: OnProgress, *, force: bool) -> None:
        """Stop the stack, and save what is queued."""

    def ps(self, settings: StackSettings) -> list[ServiceStatus]:
        """Return every service of the stack."""
        ...

    def log_lines(
        self, settings: StackSettings, service: str | None, *, last: int | None, follow: bool
    ) -> Iterator[list[RawLine]]:
        """Return the last lines of each log, or all; with `follow`, what comes then."""
        ...


def choose_mode(forced: Mode | None, before: Mode | None, engine_answers: Callable[[], bool]) -> Mode:
    """Decide; `engine_answers` is asked only where it matters.

    `before` is the mode of the stack that runs, or that has left something queued: the one mode cannot work off what
    was queued in the other, as its tasks name the other's addresses.
    """
    return forced or before or ("containers" if engine_answers() else "native")


def mode_of_running(mode: Mode) -> ModeOfRunning:
    """What starts and stops a stack in this mode, and looks at it. That of the other is not loaded."""
    if mode == "native":
        from stack.native.stack import NATIVE  # noqa: PLC0415

        return NATIVE
    if mode == "lambda":
        from stack.functions.workforce import FUNCTIONS  # noqa: PLC0415

        return FUNCTIONS
    from stack.containers import stack as containers  # noqa: PLC0415

    return containers
