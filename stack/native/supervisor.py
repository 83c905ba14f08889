"""supervisord, which keeps a native stack's processes running: its configuration, and talking to it."""

import resource
import shlex
import subprocess
import tempfile
import time
import xmlrpc.client
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport  # type: ignore[import-untyped]

from stack.config import ROOT
from stack.errors import StackError, writing
from stack.interpreter import PYTHON
from stack.native.program import Program
from stack.whole_file import write_whole

POLL_SECONDS = 0.05
ANSWER_SECONDS = 10.0
# The limit of Linux and macOS for a socket's path is a little over 100 bytes.
LONGEST_SOCKET_PATH = 90
# supervisord's own default. A service that needs more raises its limit, or says that it cannot.
WANTED_OPEN_FILES = 1024

# http://supervisord.org/subprocess.html#process-states
ALIVE = {"STARTING", "RUNNING", "BACKOFF", "STOPPING"}
BROKEN = {"BACKOFF", "EXITED", "FATAL"}


@dataclass(frozen=True)
class Process:
    """A program as supervisord sees it."""

    name: str
    state: str
    pid: int | None
    uptime_seconds: int | None


class Supervisor:
    """The supervisord of one stack, found by the stack's directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @property
    def url(self) -> str:
        """Its address; supervisord puts it into the environment of each of its processes, as SUPERVISOR_SERVER_URL."""
        return f"unix://{socket_path(self._directory)}"

    def _call(self, method: str, *arguments: Any) -> Any:
        """Call it on a connection of its own, as one that was refused once cannot be used again."""
        with closing(SupervisorTransport(None, None, self.url)) as transport:
            server = xmlrpc.client.ServerProxy("http://supervisor", transport=transport)
            return getattr(server.supervisor, method)(*arguments)

    def is_running(self) -> bool:
        """Whether it answers."""
        try:
            return bool(self._call("getState"))
        except (OSError, xmlrpc.client.Error):
            return False

    def launch(self, programs: Iterable[Program], environment: Mapping[str, str]) -> None:
        """Start supervisord in the background, with no program started yet; all will share `environment`."""
        with writing(self._directory / "logs"):
            (self._directory / "logs").mkdir(parents=True, exist_ok=True)
        configuration = self._directory / "supervisord.conf"
        write_whole(configuration, render(self._directory, programs))
        command = [PYTHON, "-m", "supervisor.supervisord", "-c", str(configuration)]
        done = subprocess.run(  # noqa: S603
            command, cwd=self._directory, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode or not self._answers():
            raise StackError("supervisord did not start.", done.stdout + done.stderr)

    def processes(self) -> list[Process]:
        """All programs."""
        return [_process(info) for info in self._call("getAllProcessInfo")]

    def start(self, names: Iterable[str]) -> list[str]:
        """Start those of the programs that do not run, and return them, before they are ready."""
        alive = {process.name for process in self.processes() if process.state in ALIVE}
        starting = [name for name in names if name not in alive]
        for name in starting:
            self._call("startProcess", name, False)  # noqa: FBT003 # XML-RPC has no keywords
        return starting

    def stop(self, names: Iterable[str]) -> None:
        """Stop the programs together; returns when all have ended, or were killed after their time."""
        stopping = set(names)
        for process in self.processes():
            if process.name in stopping and process.state in ALIVE - {"STOPPING"}:
                self._call("stopProcess", process.name, False)  # noqa: FBT003
        while any(process.name in stopping and process.state in ALIVE for process in self.processes()):
            time.sleep(POLL_SECONDS)

    def shut_down(self) -> None:
        """Stop supervisord itself, where it runs, and what it still has; returns when it has ended."""
        if not self.is_running():
            return
        self._call("shutdown")
        while self.is_running():
            time.sleep(POLL_SECONDS)

    def _answers(self) -> bool:
        deadline = time.monotonic() + ANSWER_SECONDS
        while not self.is_running():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
        return True


def log_file(directory: Path, name: str) -> Path:
    """Where a program's output goes."""
    return directory / "logs" / f"{name}.log"


def socket_path(directory: Path) -> Path:
    """In the stack's directory, or, where that path is too long for a socket, in the system's temporary one."""
    path = directory / "supervisor.sock"
    if len(str(path)) <= LONGEST_SOCKET_PATH:
        return path
    return Path(tempfile.gettempdir()) / f"stack-{sha256(str(directory).encode()).hexdigest()[:16]}.sock"


def render(directory: Path, programs: Iterable[Program]) -> str:
    """The configuration, see http://supervisord.org/configuration.html. Nothing starts by itself: there is an order.

    Paths are relative to the stack's directory, where supervisord is started: it would expand a % in them twice.
    """
    head = f"""\
[unix_http_server]
file = {_escape(str(socket_path(directory)))}
chmod = 0700

[supervisord]
pidfile = supervisord.pid
logfile = logs/supervisord.log
logfile_maxbytes = 1MB
logfile_backups = 1
nocleanup = true
minfds = {_open_files()}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
    return head + "".join(_section(number, program) for number, program in enumerate(programs))


def _open_files() -> int:
    """How many open files (RLIMIT_NOFILE) each process is to have at least: supervisord starts with no fewer."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return WANTED_OPEN_FILES if hard == resource.RLIM_INFINITY else min(WANTED_OPEN_FILES, hard)


def _section(number: int, program: Program) -> str:
    environment = ",".join(f'{name}="{_escape(value)}"' for name, value in program.environment.items())
    return f"""
[program:{program.name}]
command = {_escape(shlex.join(program.command))}
directory = {_escape(str(ROOT))}
environment = {environment}
priority = {number}
autostart = false
autorestart = true
startsecs = 5
startretries = 1000000
stopsignal = {program.stop_signal}
stopasgroup = {"true" if program.stop_signal == "KILL" else "false"}
stopwaitsecs = {program.stop_seconds}
killasgroup = true
redirect_stderr = true
stdout_logfile = logs/{program.name}.log
stdout_logfile_maxbytes = 10MB
stdout_logfile_backups = 2
"""


def _escape(text: str) -> str:
    return text.replace("%", "%%")


def _process(info: Mapping[str, Any]) -> Process:
    return Process(
        name=info["name"],
        state=info["statename"],
        pid=info["pid"] or None,
        uptime_seconds=info["now"] - info["start"] if info["pid"] else None,
    )
