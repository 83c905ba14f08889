"""What becomes of what is queued when a stack goes on with another broker."""

from collections.abc import Iterator

import pytest

from tests.end_to_end.client import Client
from tests.end_to_end.stack_control import StackControl

CALCULATION = "/v1/calculation/basic"
ITEM = {"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 0}
TASKS = 3


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackControl]:
    stack = StackControl(tmp_path_factory.mktemp("stack"), mode="native")
    yield stack
    stack.remove()


@pytest.fixture
def client(stack: StackControl) -> Iterator[Client]:
    client = Client(stack.api_url, stack.receiver_url, stack.receiver_url_for_services)
    yield client
    client.close()


def go_on_with(stack: StackControl, broker: str) -> str:
    done = stack.command("up", BROKER=broker)
    assert done.returncode == 0, done.stderr
    return done.stdout


def queue_up(client: Client, stack: StackControl) -> list[str]:
    """Tasks that nobody works on."""
    stack.stop("worker-calculation")
    return [client.submit(CALCULATION, [ITEM]) for _ in range(TASKS)]


def test_what_is_queued_goes_along_and_what_a_broker_keeps_is_there_when_it_is_back(
    stack: StackControl, client: Client
) -> None:
    go_on_with(stack, "moto")
    moved = queue_up(client, stack)
    assert f"Saved {TASKS} messages" in go_on_with(stack, "fauxqs")
    assert all(client.outcome(task_id)["results"] == [{"a": 3}] for task_id in moved)

    kept = queue_up(client, stack)
    keeps = f"fauxqs keeps {TASKS} messages in its queues: `BROKER=fauxqs make up` goes on with them."
    assert keeps in go_on_with(stack, "ministack")
    assert keeps in go_on_with(stack, "moto")
    assert not any(client.deliveries(task_id) for task_id in kept)
    stack.down()
    assert "Starting the stack natively, as what is saved was queued, on fauxqs." in go_on_with(stack, "")
    assert all(client.outcome(task_id)["results"] == [{"a": 3}] for task_id in kept)


def test_a_broker_that_dies_has_its_queues_again_and_what_it_keeps_is_worked(
    stack: StackControl, client: Client
) -> None:
    go_on_with(stack, "fauxqs")
    kept = queue_up(client, stack)

    stack.kill(stack.pid("fauxqs"))
    stack.start("worker-calculation")

    assert all(client.outcome(task_id)["results"] == [{"a": 3}] for task_id in kept)
    assert stack.made_anew() is None


def test_what_a_broker_keeps_outlives_a_crash_of_the_whole_stack_and_another_broker_meanwhile(
    stack: StackControl, client: Client
) -> None:
    go_on_with(stack, "fauxqs")
    kept = queue_up(client, stack)

    stack.crash()
    said = go_on_with(stack, "moto")
    stack.down()
    go_on_with(stack, "")

    assert "fauxqs keeps what was in its queues: `BROKER=fauxqs make up` goes on with it." in said
    assert "what was in its queues then is there again when fauxqs starts." in said
    assert all(client.outcome(task_id)["results"] == [{"a": 3}] for task_id in kept)
