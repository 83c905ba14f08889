"""What a command follows until Ctrl-C, SIGTERM, or the end of its reader: it ends by one of them, whatever it is doing.

The end is an exception in the main thread, and so may meet any line, of other people's code too. Some of that makes an
error of its own of it, or forgets it: pydantic's core while it builds a model, a callback of a weak reference.
"""

import os
import select
import signal
import stat
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any

from services.streams.standard_streams import end_unread, is_output_lost

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
"""How a person ends what goes on for ever, how a program does, and how the end is asked for once more."""

_FORGOTTEN_AFTER_SECONDS = 2.0
"""What was raised so long ago, and has not ended the work, is taken for forgotten: to tidy up takes less."""

_AGAIN_SECONDS = 0.05
"""When the end is asked for again where it is known that it was forgotten."""


class _FollowedEnough(BaseException):
    """What was followed ends.

    It is no KeyboardInterrupt: where one has passed through `exec` of a text, as in the import of a module with a
    dataclass, `python -m` ends by SIGINT although it was caught (unhandled_keyboard_interrupt, CPython's pythonrun.c).
    """


class _End:
    """The end of what is followed: it is wanted from the first signal on, and there when the work has ended."""

    def __init__(self) -> None:
        self.is_wanted = False
        self.is_there = False

    def ask(self, number: int, _frame: FrameType | None) -> None:
        """Raise `_FollowedEnough` in the main thread, once for all signals, and again where that was forgotten."""
        is_asked_before = self.is_wanted and number != signal.SIGALRM
        # Where a line could not be written, the work is ending by that.
        if self.is_there or is_asked_before or is_output_lost():
            return
        self.is_wanted = True
        signal.setitimer(signal.ITIMER_REAL, _FORGOTTEN_AFTER_SECONDS)
        raise _FollowedEnough

    def ask_again(self, otherwise: Callable[["UnraisableHookArgs"], Any], unraisable: "UnraisableHookArgs") -> None:
        """Ask again soon where it met what ends by nothing that is raised: a finalizer, a weak reference's callback."""
        if isinstance(unraisable.exc_value, _FollowedEnough):
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS)
        else:
            otherwise(unraisable)


def until_ctrl_c(work: Callable[[], object]) -> None:
    """Do the work, which prints what comes until Ctrl-C, and end it by SIGTERM and when its pipe's reader has gone too.

    What comes out of it after that is the end, whatever it is: other code may have made it of the interrupt.

    Nothing may come for long, so a thread watches the pipe, and interrupts the work as Ctrl-C does. It is no context
    manager: an interrupt may meet any line, those before and behind the work too, and is to end nothing but that.
    """
    end_unread()
    end = _End()
    unraisable_before = sys.unraisablehook
    handlers_before = {number: signal.getsignal(number) for number in _SIGNALS}
    ended, ending = os.pipe()
    unread = threading.Event()
    watcher = threading.Thread(target=_interrupt_when_unread, args=(ended, unread), daemon=True)
    try:
        try:
            sys.unraisablehook = partial(end.ask_again, unraisable_before)
            for number in _SIGNALS:
                signal.signal(number, end.ask)
            watcher.start()
            work()
        finally:
            end.is_there = True
    except BaseException:
        if not end.is_wanted:
            raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.unraisablehook = unraisable_before
        os.close(ending)
        if watcher.is_alive():
            watcher.join()
        os.close(ended)
        # An interrupt that is under way may come when all is over.
        if not unread.is_set():
            for number, handler in handlers_before.items():
                signal.signal(number, handler)


def _interrupt_when_unread(ended: int, unread: threading.Event) -> None:
    poll = select.poll()
    poll.register(ended, 0)
    with suppress(OSError, ValueError):
        output = sys.stdout.fileno()
        if stat.S_ISFIFO(os.fstat(output).st_mode):
            poll.register(output, 0)
    # That the other end is closed is reported unasked: POLLERR, POLLHUP (poll(2)).
    if ended not in dict(poll.poll()):
        unread.set()
        # In a call that blocks, only the thread's own signal interrupts it.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
