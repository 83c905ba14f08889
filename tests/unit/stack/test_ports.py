"""Ports are checked before anything starts."""

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from stack.config import ROOT, StackSettings
from stack.errors import StackError
from stack.ports import free_port, is_free, require_free_ports


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104
def test_a_port_that_is_listened_on_is_not_free(host: str) -> None:
    with socket.create_server((host, 0)) as server:
        assert not is_free(server.getsockname()[1])


def test_a_port_just_left_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()

    assert is_free(port)


def test_the_line_names_the_port_and_the_setting_that_changes_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        settings = StackSettings("native", free_port(), taken, free_port())

        with pytest.raises(StackError, match=rf"^Port {taken} is in use .*`RECEIVER_PORT=\d+ make up`"):
            require_free_ports(settings)


@contextmanager
def two_taken_ports_in_a_row() -> Iterator[int]:
    for _ in range(100):
        with socket.create_server(("127.0.0.1", 0)) as first:
            port = first.getsockname()[1]
            with suppress(OSError), socket.create_server(("127.0.0.1", port + 1)):
                yield port
                return
    pytest.fail("there are no two ports in a row")


def test_the_port_that_it_names_is_free_and_none_of_the_stack_s_own() -> None:
    with two_taken_ports_in_a_row() as taken:
        own = taken + 2
        settings = StackSettings("native", taken, own, own + 1, own + 2)

        with pytest.raises(StackError) as raised:
            require_free_ports(settings)

    [named] = map(int, re.findall(r"`API_PORT=(\d+) make up`", str(raised.value)))
    assert named > own + 2
    assert is_free(named)


def test_free_ports_are_accepted() -> None:
    require_free_ports(StackSettings("native", free_port(), free_port(), free_port(), free_port()))


def test_a_free_port_is_another_one_at_each_call_and_none_that_a_connection_is_given() -> None:
    ports = [free_port() for _ in range(20)]

    assert len({*ports}) == len(ports)
    assert all(is_free(port) and port < 32_768 for port in ports)


def test_a_port_that_is_taken_is_passed_over() -> None:
    taken = free_port() + 1
    with suppress(OSError), socket.create_server(("127.0.0.1", taken)):
        assert free_port() != taken


# As two that begin to look at the same place.
CHOOSES = "import random; random.seed(1); from stack.ports import free_port; print(free_port(), flush=True); input()"


def choosing_program() -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHOOSES]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603


def test_stacks_that_start_at_the_same_time_choose_other_ports() -> None:
    with ExitStack() as choosing:
        programs = [choosing.enter_context(choosing_program()) for _ in range(2)]
        ports = [program.stdout.readline() for program in programs if program.stdout]
        for program in programs:
            program.communicate("\n")

    assert len(set(ports)) == 2
    assert all(is_free(int(port)) for port in ports)
