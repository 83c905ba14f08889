"""What is finished once it has begun, whatever becomes of the terminal that it was begun in."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from stack.terminal import OnProgress

Handler = Callable[[int, FrameType | None], object] | signal.Handlers | int | None

CTRL_C_AGAIN = "It has begun, and is finished. Ctrl-C again leaves it half done: `make down` goes on from there."


@contextmanager
def outliving_terminal() -> Iterator[None]:
    """Let the block be finished although its terminal is closed (SIGHUP)."""
    with _handled(signal.SIGHUP, signal.SIG_IGN):
        yield


@contextmanager
def finished_once_begun(on_progress: OnProgress) -> Iterator[None]:
    """Let the block be finished although its terminal is closed, or Ctrl-C is pressed once: a second one ends it."""

    def warn(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        # The work may just be printing: what it has begun to print is to end first.
        threading.Thread(target=on_progress, args=(CTRL_C_AGAIN,)).start()

    with outliving_terminal(), _handled(signal.SIGINT, warn):
        yield


@contextmanager
def _handled(number: signal.Signals, handler: Handler) -> Iterator[None]:
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)
