"""Processes that outlived their supervisord are found and ended."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.native.orphans import find_listener, find_orphans, is_stopped, stop_orphans
from stack.ports import free_port

URL = f"unix:///tmp/of-this-test-{os.getpid()}.sock"

PORTS = {"API_PORT": str(free_port()), "RECEIVER_PORT": str(free_port())}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


@pytest.fixture
def children() -> Iterator[dict[str, "subprocess.Popen[bytes]"]]:
    """Two processes as supervisord would have started them, `api` and `worker-data`."""
    started = {name: start(name) for name in ("api", "worker-data")}
    for child in started.values():
        # Until a process has begun, the system does not show its environment.
        assert child.stdout
        assert child.stdout.readline() == b"begun\n"
    yield started
    for child in started.values():
        child.kill()
        child.communicate()


def start(name: str) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, **PORTS, "SUPERVISOR_SERVER_URL": URL, "SUPERVISOR_PROCESS_NAME": name}
    program = "import signal; print('begun', flush=True); signal.pause()"
    command = [sys.executable, "-c", program]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)  # noqa: S603


def test_they_are_found_by_name(children: dict[str, "subprocess.Popen[bytes]"]) -> None:
    assert find_orphans(URL) == {child.pid: name for name, child in children.items()}


def test_those_that_are_meant_are_ended(children: dict[str, "subprocess.Popen[bytes]"]) -> None:
    stop_orphans(URL, lambda name: name == "api")

    assert children["api"].wait() == -signal.SIGTERM
    assert children["worker-data"].poll() is None


def test_another_stacks_processes_are_left_alone(children: dict[str, "subprocess.Popen[bytes]"]) -> None:
    stop_orphans(f"{URL}.other")

    assert all(child.poll() is None for child in children.values())


@pytest.mark.usefixtures("children")
def test_the_clone_whose_service_listens_on_a_port_is_found() -> None:
    assert find_listener(int(PORTS["API_PORT"])) == f"{Path.cwd()} with another STACK_DIR"
    # Every process has this in its environment, and none of them is the receiver.
    assert find_listener(int(PORTS["RECEIVER_PORT"])) is None


def test_a_process_that_a_signal_has_paused_is_known_from_one_that_runs(
    children: dict[str, "subprocess.Popen[bytes]"],
) -> None:
    paused = children["api"]
    os.kill(paused.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, paused.pid, os.WSTOPPED)

    assert is_stopped(paused.pid)
    assert not is_stopped(children["worker-data"].pid)
