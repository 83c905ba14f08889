"""What is queued outlives every way of stopping the stack that the project's own commands have."""

import re
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from stack.ports import free_port
from tests.end_to_end.client import Client
from tests.end_to_end.stack_control import StackControl, stop_reading

CALCULATION = "/v1/calculation/basic"
ITEM = {"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 0}
UNRELIABLE = "/v1/tests/unreliable"
TASKS = 5
QUICK_TASKS = 40


@pytest.fixture
def stack(own_stack: StackControl) -> Iterator[StackControl]:
    """The suite's own stack, which is up again for the tests that follow, whatever comes."""
    yield own_stack
    own_stack.up()


def saved_messages(printed: str) -> int:
    """How many were saved, or are kept: what other tests have left in the queues is among them."""
    found = re.search(r"(?:Saved|keeps) (\d+) messages", printed)
    return int(found[1]) if found else 0


def queue_up(client: Client, stack: StackControl) -> list[str]:
    """Tasks that nobody works on."""
    stack.stop("worker-calculation")
    return [client.submit(CALCULATION, [ITEM]) for _ in range(TASKS)]


def put_under_load(client: Client) -> list[str]:
    """Tasks that are worked on; more seconds of work than a drain may take, so that some of it is still queued then."""
    holds = [*[0.0] * QUICK_TASKS, 0.1, 1, 2, 8, 8]
    return [client.submit(UNRELIABLE, [client.unreliable_item(hold_seconds=hold)]) for hold in holds]


@contextmanager
def nothing_can_be_saved(stack: StackControl) -> Iterator[None]:
    in_the_way = stack.directory / "saved-messages.json.unfinished"
    in_the_way.mkdir()
    yield
    in_the_way.rmdir()


def test_nothing_is_lost_by_downs_that_fail_one_that_is_interrupted_in_mid_load_and_other_ports_in_the_shell(
    unreliable: Client, stack: StackControl
) -> None:
    other_port = str(free_port())
    tasks = queue_up(unreliable, stack)

    stack.pause(stack.broker.name)
    paused = [stack.command(command) for command in ("down", "up")]
    stack.resume(stack.broker.name)
    assert [done.returncode for done in paused] == [1, 1]
    assert all(f"{stack.broker.title} is paused" in done.stderr for done in paused)
    assert "nothing was stopped" in paused[0].stderr

    tasks += put_under_load(unreliable)
    refused = unreliable.submit(
        UNRELIABLE, [unreliable.unreliable_item()], f"{unreliable.callback_url}?status=503&times=4"
    )
    # Of a broker that keeps its messages nothing is saved.
    if not stack.broker.keeps_messages:
        fail_to_save(stack)

    with stack.start_command("down", LOCALSTACK_PORT=other_port) as down:
        stop_reading(down)
        down.send_signal(signal.SIGINT)
    assert down.returncode == 0
    assert "The stack is not up" in stack.command("ps").stderr
    if stack.mode != "containers":
        assert tasks[0] in stack.command("trace", tasks[0]).stdout

    # It starts what is not up, as `up` does.
    started = stack.command("demo", LOCALSTACK_PORT=other_port)
    assert started.returncode == 0, started.stderr
    assert "Starting the stack" in started.stdout
    for task_id in tasks:
        unreliable.wait_for_deliveries(task_id)
    assert unreliable.wait_for_deliveries(refused, 5)[-1]["status"] == 200
    assert stack.made_anew() is None

    tasks = queue_up(unreliable, stack)
    assert stack.command("dlq", "list").returncode == 0
    moved = stack.command("up")
    assert moved.returncode == 0, moved.stderr
    assert saved_messages(moved.stdout) >= TASKS
    for task_id in tasks:
        unreliable.wait_for_deliveries(task_id)


def fail_to_save(stack: StackControl) -> None:
    """Stop the stack where nothing can be written: the broker runs on, and holds what is queued."""
    broker = stack.pid(stack.broker.name)
    with nothing_can_be_saved(stack):
        unsaved = stack.command("down")
    assert unsaved.returncode == 1
    assert "What is queued could not be saved" in unsaved.stderr
    assert "FORCE=1" in unsaved.stderr
    assert stack.pid(stack.broker.name) == broker


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
    before = own_stack.pids()

    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        done = own_stack.command("up", **{name: value.format(taken=taken) for name, value in settings.items()})

    assert done.returncode == 1
    assert reason.format(taken=taken) in done.stderr
    assert own_stack.pids() == before
