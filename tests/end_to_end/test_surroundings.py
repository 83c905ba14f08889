"""Odd surroundings: nobody reads what is printed, a proxy refuses all, the locale is ASCII, the terminal narrow."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.client import PATIENCE_SECONDS, wait_for
from tests.end_to_end.conftest import is_in_containers, odd_stack
from tests.end_to_end.stack_control import StackControl
from tests.end_to_end.test_commands import submitted
from tests.refusing_proxy import RefusingProxy

NARROW = 40


@pytest.fixture(scope="module")
def stack(
    own_stack: StackControl, proxy: RefusingProxy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StackControl]:
    """The suite's own, which is in such surroundings where it needs no images."""
    if not is_in_containers():
        yield own_stack
        return
    with odd_stack(proxy, tmp_path_factory) as stack:
        yield stack


@contextmanager
def in_terminal(
    stack: StackControl, *arguments: str, stderr: int | None = None
) -> Iterator[tuple[subprocess.Popen[str], Iterator[bytes]]]:
    """Run a command in a narrow terminal; give it, and what it prints until its end."""
    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, NARROW, 0, 0))
    with stack.start_command(*arguments, stdout=inside, stderr=stderr) as command:
        os.close(inside)
        yield command, _read(terminal)
    os.close(terminal)


def printed(stack: StackControl, *arguments: str) -> str:
    """What a command prints in a narrow terminal, without colours."""
    with in_terminal(stack, *arguments) as (_command, text):
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", b"".join(text).decode())


def _read(terminal: int) -> Iterator[bytes]:
    try:
        while text := os.read(terminal, 65_536):
            yield text
    except OSError:
        """Nobody has it open any more (EIO)."""


def is_following(command: subprocess.Popen[str]) -> bool:
    """Whether it handles SIGTERM, as what goes on until it is ended does."""
    status = Path(f"/proc/{command.pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) & 1 << signal.SIGTERM - 1)


def wait_for_alert(stack: StackControl, task_id: str) -> None:
    with httpx.Client(base_url=stack.receiver_url, trust_env=False) as receiver:
        wait_for(lambda: task_id in receiver.get("/slack/messages").text, "the alert")


@pytest.fixture(scope="module")
def undelivered(stack: StackControl) -> str:
    """The id of a task whose outcome nobody takes, once it is in `undelivered`."""
    shown, _done = submitted(stack, "--callback-url", f"{stack.receiver_url_for_services}/callback?status=410&times=1")
    wait_for_alert(stack, shown["task_id"])
    wait_for(lambda: shown["task_id"] in stack.dlq("list", "undelivered", "--json"), "the outcome in undelivered")
    return str(shown["task_id"])


def test_a_task_is_worked_and_no_proxy_is_asked(stack: StackControl, proxy: RefusingProxy) -> None:
    shown, done = submitted(stack, "--wait", "--timeout", str(PATIENCE_SECONDS))

    assert shown["outcome"] == "success", done.stderr
    assert proxy.asked == []


def test_an_alert_comes_to_the_receiver_and_no_proxy_is_asked(
    stack: StackControl, undelivered: str, proxy: RefusingProxy
) -> None:
    wait_for_alert(stack, undelivered)

    assert proxy.asked == []


@pytest.mark.parametrize("command", ["ps", "ps --watch", "logs", "logs --follow", "dlq"])
def test_a_command_that_prints_ends_well_when_it_is_read_no_further(stack: StackControl, command: str) -> None:
    assert stack.exit_code_unread(*command.split()) == 0


def test_what_has_nothing_to_print_yet_ends_well_when_its_reader_has_gone(stack: StackControl) -> None:
    with stack.start_command("tail") as command:
        wait_for(lambda: is_following(command), "the command to follow")
        assert command.stdout is not None
        command.stdout.close()

        assert command.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", ["tail", "logs --follow", "ps --watch"])
def test_what_is_followed_ends_well_by_a_signal_and_leaves_the_terminal_as_it_was(
    stack: StackControl, command: str, number: signal.Signals
) -> None:
    with in_terminal(stack, *command.split(), stderr=subprocess.PIPE) as (follower, text):
        wait_for(lambda: is_following(follower), "the command to follow")
        follower.send_signal(number)
        shown = b"".join(text)
        assert follower.stderr is not None
        # Not in what it shows: the log of a service may have one.
        assert "Traceback" not in follower.stderr.read()

    assert follower.returncode == 0
    # A cursor that is hidden is shown again.
    assert shown.count(b"\x1b[?25h") >= shown.count(b"\x1b[?25l")


@pytest.mark.parametrize("command", ["ps", "logs", "dlq list", "dlq show ID", "trace ID", "demo", "ps --help"])
def test_in_an_ascii_locale_every_command_prints_ascii(stack: StackControl, undelivered: str, command: str) -> None:
    done = stack.command(*command.replace("ID", undelivered).split())

    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()


def test_in_a_narrow_terminal_no_name_id_or_address_is_cut(stack: StackControl, undelivered: str) -> None:
    # Only a worker that says what it does names its DLQ.
    names = {*stack.services(), "undelivered", "healthy", *([] if stack.mode == "lambda" else ["calculation-dlq"])}

    assert names <= set(printed(stack, "ps").split())
    # Who looks at the same time hides it for seconds.
    wait_for(lambda: undelivered in printed(stack, "dlq", "list").split(), "the whole id in the list")
    assert undelivered in printed(stack, "dlq", "show", undelivered).split()
    assert undelivered in printed(stack, "trace", undelivered[:8]).split()
    assert {stack.console_url, stack.receiver_url, f"{stack.api_url}/docs"} <= set(printed(stack, "up").split())
