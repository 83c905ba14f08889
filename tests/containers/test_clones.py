"""Two clones with folders of the same name, on one engine, each with what is its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.ports import free_port
from tests.containers.clone import Clone
from tests.containers.container_stack import is_ready
from tests.end_to_end.client import Client

CALCULATION = "/v1/calculation/basic"
ITEM = {"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 0}
TASKS = 5


def start_with_tasks(clone: Clone) -> None:
    """Start the clone's stack as who knows Compose does, and let tasks wait on its queue."""
    done = clone.run("docker", "compose", "up", "--detach", "--wait", **clone.ports)
    assert done.returncode == 0, done.stderr
    clone.run("docker", "stop", f"{clone.folder.name}-worker-calculation-1")
    receiver_url = f"http://localhost:{clone.ports['RECEIVER_PORT']}"
    client = Client(f"http://localhost:{clone.ports['API_PORT']}", receiver_url, "http://receiver:9000")
    for _ in range(TASKS):
        client.submit(CALCULATION, [ITEM])
    client.close()


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Clone]:
    """One that plain `docker compose up` has started, with tasks on its queue."""
    clone = Clone(tmp_path / "first" / f"clone{free_port()}")
    try:
        start_with_tasks(clone)
        yield clone
    finally:
        clone.remove(clone.folder.name)


@pytest.fixture
def other(started: Clone, tmp_path: Path) -> Iterator[Clone]:
    clone = Clone(tmp_path / "second" / started.folder.name)
    try:
        yield clone
    finally:
        for container in clone.containers():
            clone.run("docker", "rm", "--force", container)


def test_no_command_of_a_clone_touches_the_stack_of_another(started: Clone, other: Clone) -> None:
    name = started.folder.name
    before = started.containers()

    assert other.run("make", "clean").returncode == 0
    for command in ("up", "down", "clean"):
        refused = other.stack(command, COMPOSE_PROJECT_NAME=name, **other.ports)
        assert refused.returncode == 1
        assert f"The Compose project {name} is that of {started.folder}" in refused.stderr
    taken = other.stack("up", **started.ports)
    assert f"in use by the Compose project {name} of {started.folder}" in taken.stderr

    beside = other.stack("up", **other.ports)
    assert beside.returncode == 0, beside.stderr
    assert f": {name} is that of {started.folder}." in beside.stdout
    assert is_ready(f"http://localhost:{other.ports['API_PORT']}/readyz")
    for command in ("down", "clean"):
        assert other.stack(command).returncode == 0
    assert other.containers() == {}
    assert other.volumes() == [f"{name}_queue-data", f"{name}_receiver-data"]

    assert started.containers() == before
    assert "worker-data" in started.stack("ps").stdout
    stopped = started.stack("down")
    assert stopped.returncode == 0, stopped.stderr
    assert f"Saved {TASKS} messages" in stopped.stdout

    start_with_tasks(started)
    started.run("docker", "compose", "down", **started.ports)
    refused = started.stack("clean")
    assert refused.returncode == 1
    assert f"{TASKS} messages are queued in a volume of {name}" in refused.stderr
    assert started.stack("clean", "--force").returncode == 0
    assert (started.containers(), started.volumes()) == ({}, [])
