"""Programs of ours as processes of their own that begin where their libraries are loaded.

`python -m services.dlq` imports for most of a second before its first line of work, and a run of the tests starts some
hundred and fifty programs. These are forked from a process that has imported the libraries, and nothing of ours, once
for each process that runs tests: multiprocessing's fork server. From there on they are what they are elsewhere, with
their arguments, environment, folder, standard streams, signals and exit code. What the interpreter itself makes of its
environment when it starts is not seen here; the end-to-end tests start every program by it.
"""

import asyncio
import atexit
import multiprocessing
import os
import runpy
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import IO, Any

LIBRARIES = (
    "aioboto3",
    "aiohttp.web",
    "fastapi",
    "fastapi_offline",
    "httpx",
    "prometheus_client",
    "pydantic_settings",
    "rich.progress",
    "rich.table",
    "simplejson",
    "slack_sdk.web.async_client",
    "standardwebhooks",
    "structlog",
    "typer",
    "uvicorn",
    "uvloop",
)

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(list(LIBRARIES))


class _Stream:
    """A file descriptor; pickled on its way to another process, it is one of that process."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __getstate__(self) -> Any:
        return DupFd(self.descriptor)

    def __setstate__(self, duplicate: Any) -> None:
        self.descriptor = duplicate.detach()


@dataclass(frozen=True, slots=True)
class _Beginning:
    """What a process begins with."""

    module: Sequence[str]
    directory: Path
    environment: Mapping[str, str]
    streams: Sequence[_Stream]


class ForkedProgram:
    """A program that runs, or has ended."""

    def __init__(self, process: ForkServerProcess) -> None:
        assert process.pid is not None
        self.pid = process.pid
        self._process = process
        self._ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(process.sentinel, self._end)

    @property
    def returncode(self) -> int | None:
        """The exit code, or the number of the signal that has ended it, negated; None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send it, unless the program has ended."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it by SIGKILL."""
        self._process.kill()

    async def wait(self) -> int:
        """Wait for its end, and return its exit code."""
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def _end(self) -> None:
        self._loop.remove_reader(self._process.sentinel)
        self._process.join()
        self._ended.set()


def start_program(
    module: Sequence[str],
    directory: Path,
    environment: Mapping[str, str],
    output: int | IO[bytes] | None,
    errors: int | IO[bytes] | None,
) -> ForkedProgram:
    """Start what `python -m` runs by these arguments; what it writes goes to these files, or is dropped."""
    with Path(os.devnull).open("r+b", buffering=0) as nothing:
        files = [nothing if file is None else file for file in (None, output, errors)]
        streams = [_Stream(file if isinstance(file, int) else file.fileno()) for file in files]
        beginning = _Beginning(module, directory, environment, streams)
        process = _SERVER.Process(target=_begin, args=(beginning,), daemon=True)
        process.start()
    return ForkedProgram(process)


def _begin(beginning: _Beginning) -> None:
    """Become the program, in a process that was forked for it."""
    for number, stream in enumerate(beginning.streams):
        os.dup2(stream.descriptor, number)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115  # what becomes of it is the program's affair
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(beginning.environment)
    os.chdir(beginning.directory)
    sys.path[:0] = [str(beginning.directory), *beginning.environment.get("PYTHONPATH", "").split(os.pathsep)]
    sys.argv[1:] = beginning.module[1:]
    try:
        runpy.run_module(beginning.module[0], run_name="__main__", alter_sys=True)
    finally:
        # multiprocessing ends its processes without them.
        atexit._run_exitfuncs()  # noqa: SLF001
