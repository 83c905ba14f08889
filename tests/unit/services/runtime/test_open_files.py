"""How many open files a program allows itself, tried in processes of their own."""

import resource
import subprocess
import sys

import pytest

from services.runtime.open_files import allow_connections
from stack.config import ROOT

SCRIPT = """
import resource, sys
from services.runtime.open_files import allow_connections
allow_connections(int(sys.argv[1]), int(sys.argv[2]))
print(resource.getrlimit(resource.RLIMIT_NOFILE))
"""


TO_SQS = 128


def run(connections: int, soft: int, hard: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # our own program
        ["/bin/sh", "-c", f'ulimit -Sn {soft} && ulimit -Hn {hard} && exec "$0" "$@"', *command_of(connections)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def command_of(connections: int) -> list[str]:
    return [sys.executable, "-c", SCRIPT, str(connections), str(TO_SQS)]


@pytest.mark.parametrize(
    ("connections", "soft", "hard", "allowed"),
    [
        pytest.param(100, 600, 1000, 600, id="enough"),
        pytest.param(200, 300, 1000, 784, id="raised to twice the connections and 128 others"),
        pytest.param(400, 300, 700, 700, id="raised as far as it may be"),
        pytest.param(444, 300, 700, 700, id="just enough"),
    ],
)
def test_the_limit_is_raised_to_what_the_connections_need(connections: int, soft: int, hard: int, allowed: int) -> None:
    assert run(connections, soft, hard).stdout == f"({allowed}, {hard})\n"


def test_a_program_that_can_never_have_its_connections_does_not_start() -> None:
    ended = run(445, 300, 700)

    assert ended.returncode == 78
    assert ended.stderr == (
        "cannot start: WORKER_CONCURRENCY: 445 connections at a time, and 128 to SQS, need 701 open files, and 700 are"
        " allowed: lower it or the task type's item_concurrency (DATA_CONCURRENCY for data), or raise the limit"
        " (ulimit -Hn)\n"
    )


def test_where_what_goes_to_sqs_is_too_much_already_no_setting_helps() -> None:
    assert run(10, 200, 256).stderr == (
        "cannot start: WORKER_CONCURRENCY: 10 connections at a time, and 128 to SQS, need 266 open files, and 256 are"
        " allowed: raise the limit (ulimit -Hn)\n"
    )


def test_what_is_unlimited_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: pytest.fail("nothing is to be set"))

    allow_connections(1_000_000, TO_SQS)
