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
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NoReturn, TextIO

from typing_extensions import override

from services.streams.descriptor_stream import DescriptorStream
from services.streams.readable_text import JSON_ESCAPES, READABLE

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class UnwrittenError(Exception):
    """What a command prints cannot be written any more, and to print is all that it does."""


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
