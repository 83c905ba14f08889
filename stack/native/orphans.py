"""Finds and ends the processes that supervisord has started and that outlived it."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from stack.brokers import LOCALSTACK

POLL_SECONDS = 0.05
STOP_SECONDS = 15.0


def find_orphans(supervisor_url: str) -> dict[int, str]:
    """The processes that the supervisord of this URL has started: names by process id.

    They are known by what supervisord puts into their environment. Empty where the system has no /proc.
    """
    found: dict[int, str] = {}
    for directory in Path("/proc").glob("[0-9]*"):
        environment = _environment(directory / "environ")
        if environment.get("SUPERVISOR_SERVER_URL") == supervisor_url:
            found[int(directory.name)] = environment["SUPERVISOR_PROCESS_NAME"]
    return found


def find_listener(port: int) -> str | None:
    """The folder, and the `STACK_DIR`, of the native stack that was set to listen on the port.

    None where there is none, or it cannot be seen.
    """
    for process in Path("/proc").glob("[0-9]*"):
        environment = _environment(process / "environ")
        service = environment.get("SUPERVISOR_PROCESS_NAME", "")
        address = environment.get("GATEWAY_LISTEN" if service == LOCALSTACK.name else f"{service.upper()}_PORT", "")
        if "SUPERVISOR_SERVER_URL" in environment and address.rpartition(":")[2] == str(port):
            with suppress(OSError):
                return _stack_of((process / "cwd").readlink(), environment["SUPERVISOR_SERVER_URL"])
    return None


def _stack_of(folder: Path, supervisor_url: str) -> str:
    directory = Path(supervisor_url.removeprefix("unix://")).parent
    return str(folder) if directory.is_relative_to(folder) else f"{folder} with another STACK_DIR"


def stop_orphans(supervisor_url: str, is_meant: Callable[[str], bool] = lambda _name: True) -> None:
    """End those whose name is meant: with SIGTERM, and with SIGKILL where they have not ended after `STOP_SECONDS`."""

    def meant() -> list[int]:
        return [pid for pid, name in find_orphans(supervisor_url).items() if is_meant(name)]

    _send(meant(), signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while remaining := meant():
        if time.monotonic() > deadline:
            _send(remaining, signal.SIGKILL)
        time.sleep(POLL_SECONDS)


def _send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def is_stopped(pid: int) -> bool:
    """Whether the process was paused by a signal (proc(5), "State"); False where the system has no /proc."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith(("T", "t"))
    return False


def _environment(file: Path) -> dict[str, str]:
    """The environment of a process; empty where it has ended, is a zombie or belongs to someone else."""
    try:
        entries = file.read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return {}
    return dict(entry.split("=", 1) for entry in entries if "=" in entry)
