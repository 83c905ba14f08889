"""Standard output and standard error of a command: what they cannot take costs what is printed, never the work.

A reader that has gone, a full disk, a closed terminal, an encoding that lacks a character: nothing of it raises in the
midst of the work. A command that does nothing but print ends there. (The services write their logs by output.py, which
never waits for a reader.)
"""

import codecs
import errno
import io
import locale
import os
import select
import signal
import stat
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Literal, NoReturn, TextIO

from typing_extensions import override

from services.streams.descriptor_stream import DescriptorStream
from services.streams.readable_text import JSON_ESCAPES, READABLE

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

    from _typeshed import ReadableBuffer


_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
"""How a person ends what goes on for ever, how a program does, and how the end is asked for once more."""

_ONCE_MORE_SECONDS = 0.05


class UnwrittenError(Exception):
    """What a command prints cannot be written any more, and to print is all that it does."""


class _FollowedEnough(BaseException):
    """What was followed ends.

    It is no KeyboardInterrupt: where one has passed through `exec` of a text, as in the import of a module with a
    dataclass, `python -m` ends by SIGINT although it was caught (unhandled_keyboard_interrupt, CPython's pythonrun.c).
    """


class Stream(DescriptorStream):
    """A file descriptor that takes whatever is written to it, and keeps the error of what it could not write."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor)
        self.error: OSError | None = None
        self.is_all = False
        """Whether nothing is left to do when nothing can be written: then that raises UnwrittenError, once."""

    @override
    def write(self, data: "ReadableBuffer", /) -> int:
        text = bytes(data)
        if self.error is None:
            try:
                self._write_whole(text)
            except OSError as error:
                self.error = error
                if self.is_all:
                    raise UnwrittenError from error
        return len(text)

    def _write_whole(self, text: bytes) -> None:
        rest = memoryview(text)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                # Another program that shares it has made it non-blocking.
                select.select([], [self._descriptor], [])


def run_command(command: Callable[[], object]) -> NoReturn:
    """Run the command of this process, and end it with its exit code. But for what it prints, all text is UTF-8.

    Output that nobody reads any more is no failure; where it is lost for another reason, the code is at least 1.
    """
    _ensure_utf8_mode()
    output, _errors = protect("stdout"), protect("stderr")
    code: str | int | None = 0
    try:
        command()
        sys.stdout.flush()
    except SystemExit as end:
        code = end.code
    except UnwrittenError:
        pass
    if output.error is not None and output.error.errno != errno.EPIPE:
        sys.stderr.write(f"Standard output cannot be written: {output.error.strerror}.\n")
        code = code or 1
    sys.exit(code)


def protect(name: Literal["stdout", "stderr"]) -> Stream:
    """Let all that is written to the stream from now on, whoever writes it, go to a Stream; return that."""
    before: TextIO | None = getattr(sys, name)
    stream = Stream(_descriptor_of(before))
    encoding = getattr(before, "encoding", None) or "utf-8"
    setattr(sys, name, io.TextIOWrapper(stream, encoding, errors=READABLE, line_buffering=True))
    return stream


def end_unread() -> None:
    """Let this command end where its output cannot be written any more: it only prints."""
    if (output := _output()) is not None:
        output.is_all = True


def until_ctrl_c(work: Callable[[], object]) -> None:
    """Do the work, which prints what comes until Ctrl-C, and end it by SIGTERM and when its pipe's reader has gone too.

    Nothing may come for long, so a thread watches the pipe, and interrupts the work as Ctrl-C does. It is no context
    manager: an interrupt may meet any line, those before and behind the work too, and is to end nothing but that.
    """
    end_unread()
    is_over = False

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal is_over
        # Where a line could not be written, the work is ending by that.
        if not is_over and not is_output_lost():
            is_over = True
            raise _FollowedEnough

    def ask_once_more(unraisable: "UnraisableHookArgs") -> None:
        nonlocal is_over
        if not isinstance(unraisable.exc_value, _FollowedEnough):
            unraisable_before(unraisable)
            return
        # It has met the callback of a weak reference, as an import has, or a finalizer: they end by nothing raised.
        signal.setitimer(signal.ITIMER_REAL, _ONCE_MORE_SECONDS)
        is_over = False

    unraisable_before = sys.unraisablehook
    ended, end = os.pipe()
    unread = threading.Event()
    watcher = threading.Thread(target=_interrupt_when_unread, args=(ended, unread), daemon=True)
    before = {number: signal.getsignal(number) for number in _ENDINGS}
    try:
        try:
            sys.unraisablehook = ask_once_more
            for number in _ENDINGS:
                signal.signal(number, interrupt)
            watcher.start()
            work()
        finally:
            is_over = True
    except _FollowedEnough:
        """That is how it ends."""
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.unraisablehook = unraisable_before
        os.close(end)
        if watcher.is_alive():
            watcher.join()
        os.close(ended)
        # An interrupt that is under way may come when all is over.
        if not unread.is_set():
            for number, handler in before.items():
                signal.signal(number, handler)


def is_output_lost() -> bool:
    """Return whether something of standard output could not be written."""
    output = _output()
    return output is not None and output.error is not None


def encodable_json(text: str) -> str:
    """Return JSON whose values survive the encoding of standard output."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, JSON_ESCAPES).decode(encoding)


def _ensure_utf8_mode() -> None:
    """Begin anew in Python's UTF-8 mode (PEP 540) where the locale has another encoding, as C and POSIX have.

    Else what is read from files and other programs, and the environment given to them, would be of that encoding.
    """
    is_utf8 = codecs.lookup(locale.getencoding()).name == "utf-8"
    if is_utf8 or sys.flags.utf8_mode or os.environ.get("PYTHONUTF8") == "1":
        return
    printed = getattr(sys.stdout, "encoding", None) or "ascii"
    environment = {**os.environ, "PYTHONUTF8": "1", "PYTHONIOENCODING": f"{printed}:backslashreplace"}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)  # noqa: S606  # the same command


def _output() -> Stream | None:
    buffer = getattr(sys.stdout, "buffer", None)
    return buffer if isinstance(buffer, Stream) else None


def _descriptor_of(stream: TextIO | None) -> int:
    if stream is None:
        # It was closed when the program began; in its place, one that cannot be written either.
        return os.open(os.devnull, os.O_RDONLY)
    stream.flush()
    return stream.fileno()


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
