"""How the containers start, recover, scale and stop."""

import pytest

from tests.containers.container_stack import ContainerStack, is_ready
from tests.end_to_end.client import wait_for

CALCULATION = "/v1/calculation/basic"
ITEM = {"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 0}

OTHER_IMAGE = '{"services": {"api": {"build": {"context": ".", "dockerfile": "Missing.Dockerfile"}}}}'

# Container engines do not restart what they were asked to kill, so the program is ended from within.
KILL_THE_PROGRAM = """
import os, signal
(program,) = open('/proc/1/task/1/children').read().split()[:1]
os.kill(int(program), signal.SIGKILL)
"""


def test_every_container_becomes_healthy(stack: ContainerStack) -> None:
    stack.wait_until_healthy()


def test_a_worker_that_is_killed_starts_again_and_works(stack: ContainerStack) -> None:
    before = stack.containers()["worker-calculation-1"]["RestartCount"]
    stack.compose("exec", "--no-TTY", "--detach", "worker-calculation", "python", "-c", KILL_THE_PROGRAM)
    wait_for(lambda: stack.containers()["worker-calculation-1"]["RestartCount"] > before, "a restart")
    client = stack.client()
    assert client.outcome(client.submit(CALCULATION, [ITEM]))["results"] == [{"a": 3}]
    client.close()


def test_plain_compose_scales_a_worker(stack: ContainerStack) -> None:
    others = {name: container["Id"] for name, container in stack.containers().items()}
    stack.compose("up", "--detach", "--scale", "worker-calculation=3")
    scaled = stack.containers()
    assert {"worker-calculation-1", "worker-calculation-2", "worker-calculation-3"} <= scaled.keys()
    assert {name: scaled[name]["Id"] for name in others} == others
    stack.wait_until_healthy()
    stack.compose("up", "--detach", "--scale", "worker-calculation=1")
    assert stack.containers().keys() == others.keys()


def test_up_leaves_alone_what_runs(stack: ContainerStack) -> None:
    before = stack.started_at()
    stack.up()
    assert stack.started_at() == before


@pytest.mark.parametrize(
    ("settings", "reasons"),
    [
        (
            {"LOCALSTACK_IMAGE": "127.0.0.1:1/localstack:none"},
            ["Cannot pull 127.0.0.1:1/localstack:none", "make base-images"],
        ),
        # It can be imported on this machine, and is not in the image.
        ({"TASK_PACKAGES": "services.tasks,tests.end_to_end.task_types"}, ["tests.end_to_end.task_types"]),
        ({"COMPOSE_FILE": "docker-compose.yml:{directory}/other-image.yml"}, ["Missing.Dockerfile"]),
    ],
)
def test_up_says_why_the_stack_cannot_be_had_and_leaves_the_one_that_runs(
    stack: ContainerStack, settings: dict[str, str], reasons: list[str]
) -> None:
    (stack.directory / "other-image.yml").write_text(OTHER_IMAGE)
    before = stack.started_at()

    done = stack.try_up(**{name: value.format(directory=stack.directory) for name, value in settings.items()})

    assert done.returncode == 1
    assert all(reason in done.stderr for reason in reasons), done.stderr
    assert stack.started_at() == before


def test_the_receiver_keeps_its_callbacks_over_down_and_up(stack: ContainerStack) -> None:
    client = stack.client()
    task_id = client.submit(CALCULATION, [ITEM])
    client.wait_for_deliveries(task_id)
    stack.down()
    assert stack.compose("ps", "--all", "--quiet") == ""
    assert not is_ready(f"{stack.api_url}/healthcheck")
    stack.up()
    assert len(client.deliveries(task_id)) == 1
    client.close()
