"""What is queued outlives every way of stopping the stack that the project's own commands have."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from stack.ports import free_port
from tests.end_to_end.client import Client
from tests.end_to_end.stack_control import StackControl

CALCULATION = "/v1/calculation/basic"
ITEM = {"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 0}
TASKS = 5


def queue_up(client: Client, stack: StackControl) -> list[str]:
    """Tasks that nobody works on."""
    stack.stop("worker-calculation")
    return [client.submit(CALCULATION, [ITEM]) for _ in range(TASKS)]


@contextmanager
def nothing_can_be_saved(stack: StackControl) -> Iterator[None]:
    in_the_way = stack.directory / "saved-messages.json.unfinished"
    in_the_way.mkdir()
    yield
    in_the_way.rmdir()


def test_localstack_is_not_stopped_where_what_it_holds_cannot_be_saved(client: Client, own_stack: StackControl) -> None:
    tasks = queue_up(client, own_stack)
    localstack = own_stack.pid("localstack")

    own_stack.pause("localstack")
    paused = [own_stack.command(command) for command in ("down", "up")]
    own_stack.resume("localstack")

    assert [done.returncode for done in paused] == [1, 1]
    assert all("LocalStack is paused" in done.stderr for done in paused)
    assert "nothing was stopped" in paused[0].stderr
    assert client.post(CALCULATION, []).status_code == 422

    with nothing_can_be_saved(own_stack):
        unsaved = own_stack.command("down")

    assert unsaved.returncode == 1
    assert "What is queued could not be saved" in unsaved.stderr
    assert "FORCE=1" in unsaved.stderr
    assert own_stack.pid("localstack") == localstack

    own_stack.up()
    for task_id in tasks:
        client.wait_for_deliveries(task_id)


def test_other_ports_in_the_shell_find_the_stack_that_runs(client: Client, own_stack: StackControl) -> None:
    other_port = str(free_port())
    moved_along = queue_up(client, own_stack)

    moved = own_stack.command("up", LOCALSTACK_PORT=other_port)

    assert moved.returncode == 0, moved.stderr
    assert f"Saved {TASKS} messages" in moved.stdout
    for task_id in moved_along:
        client.wait_for_deliveries(task_id)

    saved = queue_up(client, own_stack)
    looked = own_stack.command("dlq", "list", "--json")
    done = own_stack.command("down", API_PORT=str(free_port()))

    assert looked.returncode == 0, looked.stderr
    assert f"Saved {TASKS} messages" in done.stdout
    own_stack.up()
    for task_id in saved:
        client.wait_for_deliveries(task_id)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"HEARTBEAT_SECONDS": "60"}, "HEARTBEAT_SECONDS (60) must be less than VISIBILITY_TIMEOUT_SECONDS"),
        ({"TASK_PACKAGES": "no.such.package"}, "no.such.package"),
        ({"API_PORT": "{taken}"}, "Port {taken} is in use by another program: `API_PORT="),
    ],
)
def test_a_start_that_must_fail_leaves_the_stack_that_runs(
    own_stack: StackControl, settings: dict[str, str], reason: str
) -> None:
    before = [own_stack.pid(service) for service in own_stack.services()]

    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        done = own_stack.command("up", **{name: value.format(taken=taken) for name, value in settings.items()})

    assert done.returncode == 1
    assert reason.format(taken=taken) in done.stderr
    assert [own_stack.pid(service) for service in own_stack.services()] == before
