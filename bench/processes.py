"""Programs as processes: started, paused and killed as a group of their own, with what they have used so far."""

import ctypes
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.errors import BenchError
from stack.config import ROOT

_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)
_LAST_LINES = 15


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process and its children have used since they began."""

    cpu_seconds: float
    """User and system time."""
    peak_bytes: int
    """The sum of the largest resident sets that each of them has had."""


class Process:
    """A program that runs, and its children."""

    def __init__(self, name: str, popen: "subprocess.Popen[str]", log: Path) -> None:
        self.name = name
        self._popen = popen
        self._log = log

    def usage(self) -> Usage:
        """Return what it has used until now."""
        members = list(self._members())
        return Usage(sum(map(_cpu_seconds, members)), sum(map(_peak_bytes, members)))

    def resident_bytes(self) -> int:
        """Return how much memory it has now."""
        return sum(_resident_bytes(member) for member in self._members())

    def pause(self) -> None:
        """Let it do nothing until `resume`."""
        os.killpg(self._popen.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        os.killpg(self._popen.pid, signal.SIGCONT)

    def interrupt(self, timeout_seconds: float) -> None:
        """Send it what Ctrl-C sends, and wait until it has ended. Raises BenchError where it had ended before."""
        self.require_alive()
        self._popen.send_signal(signal.SIGINT)
        self._popen.wait(timeout_seconds)

    def kill(self) -> None:
        """End it and its children at once: what is measured is over by then."""
        with suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait()

    def ask(self, line: str) -> str:
        """Write a line to its standard input and return the line that it answers with."""
        if self._popen.stdin is None:
            raise ValueError(f"{self.name} was started without pipes")
        with suppress(BrokenPipeError):
            self._popen.stdin.write(f"{line}\n")
            self._popen.stdin.flush()
        return self.hear()

    def hear(self) -> str:
        """Return the next line that it writes to its standard output."""
        if self._popen.stdout is None:
            raise ValueError(f"{self.name} was started without pipes")
        answer = self._popen.stdout.readline()
        if not answer:
            self.require_alive()
            raise self.failure("closed its output")
        return answer

    def require_alive(self) -> None:
        """Raise BenchError, with the end of its log, where it has ended."""
        with suppress(subprocess.TimeoutExpired):
            raise self.failure(f"ended with exit code {self._popen.wait(timeout=0)}")

    def failure(self, what: str) -> BenchError:
        """Return an error of this process, with the end of its log."""
        tail = "\n".join(self._log.read_text(errors="replace").splitlines()[-_LAST_LINES:])
        return BenchError(f"{self.name} {what}; its log is {self._log}\n{tail}")

    def _members(self) -> Iterator[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self._popen.pid)
            yield process
            yield from process.children(recursive=True)


@contextmanager
def running(
    name: str, command: Sequence[object], environment: Mapping[str, str], log: Path, *, pipes: bool = False
) -> Iterator[Process]:
    """Run a program inside the block; with `pipes` it can be asked, and its log has standard error alone."""
    with log.open("w") as log_file:
        popen = subprocess.Popen(  # noqa: S603  # our own programs, and those of the environments that we made
            list(map(str, command)),
            # Not in the project, where a developer's `.env` would be read.
            cwd=log.parent,
            env={**_inherited(), **environment},
            stdin=subprocess.PIPE if pipes else subprocess.DEVNULL,
            stdout=subprocess.PIPE if pipes else log_file,
            stderr=log_file,
            text=True,
            # A group of its own: signalled as one, and Ctrl-C is this program's to handle.
            start_new_session=True,
        )
    process = Process(name, popen, log)
    try:
        yield process
    finally:
        process.kill()
        for pipe in (popen.stdin, popen.stdout):
            if pipe is not None:
                # What it was still to be asked, when it had ended, is written once more at the close.
                with suppress(BrokenPipeError):
                    pipe.close()


def cpu_seconds_of(pid: int) -> float:
    """Return the user and system time of a process, without its children's, to the nanosecond.

    What /proc says of it has hundredths of a second. https://man7.org/linux/man-pages/man3/clock_getcpuclockid.3.html
    Raises OSError where there is no such process.
    """
    clock = ctypes.c_int()
    error = ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(clock))
    if error:
        raise OSError(error, os.strerror(error))
    return time.clock_gettime(clock.value)


def of_tree(tree: Path) -> dict[str, str]:
    """Return what lets a program run the code that is in that folder."""
    return {"PYTHONPATH": str(tree)}


def _inherited() -> dict[str, str]:
    """Return what a program needs of this one's environment; no setting of the developer's shell reaches it."""
    return {**of_tree(ROOT), "PYTHONUNBUFFERED": "1", "PATH": os.environ["PATH"], "HOME": str(Path.home())}


def _cpu_seconds(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        # `children_*` is of those that have ended and were waited for.
        return float(times.user + times.system + times.children_user + times.children_system)
    return 0


def _peak_bytes(process: psutil.Process) -> int:
    with suppress(OSError):
        peak = _PEAK.search(Path(f"/proc/{process.pid}/status").read_text())
        return int(peak[1]) * 1024 if peak else 0
    return 0


def _resident_bytes(process: psutil.Process) -> int:
    with suppress(psutil.NoSuchProcess):
        return int(process.memory_info().rss)
    return 0
