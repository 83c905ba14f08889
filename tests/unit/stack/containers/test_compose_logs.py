"""The logs of containers, read from a program that prints as `docker compose logs` does."""

import os
from pathlib import Path

import pytest

from stack.containers.docker import Compose
from stack.containers.logs import read

FAKE_DOCKER = """#!/bin/sh
echo "$@" > "$0.arguments"
echo $$ > "$0.pid"
echo 'api-1       | 2026-11-24T14:04:16.100000000Z {"event": "accepted"}'
echo 'receiver-1  | 2026-11-24T14:04:16.200000000Z ready'
case "$*" in *--follow*) exec sleep 60;; esac
"""


def arguments(docker: Path) -> str:
    return docker.with_name("docker.arguments").read_text().strip()


def test_the_end_of_the_logs_is_read_with_the_time_of_each_line(docker: Path) -> None:
    batches = list(read(Compose(os.environ), "api", last=40, follow=False))

    assert [(line.service, line.text) for batch in batches for line in batch] == [
        ("api", '{"event": "accepted"}'),
        ("receiver", "ready"),
    ]
    assert arguments(docker) == "compose logs --no-color --timestamps --tail 40 api"


def test_all_that_is_kept_is_asked_for_where_no_end_is(docker: Path) -> None:
    list(read(Compose(os.environ), None, last=None, follow=False))

    assert arguments(docker) == "compose logs --no-color --timestamps --tail all"


def test_who_stops_following_leaves_no_program_behind(docker: Path) -> None:
    batches = read(Compose(os.environ), None, last=0, follow=True)
    assert len(next(batches)) == 2

    batches.close()  # type: ignore[attr-defined]  # it is a generator

    with pytest.raises(ProcessLookupError):
        os.kill(int(docker.with_name("docker.pid").read_text()), 0)
