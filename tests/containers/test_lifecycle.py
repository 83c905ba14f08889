"""How the containers start, recover, scale and stop."""

import json
from pathlib import Path

import pytest

from stack.config import ROOT
from tests.containers.container_stack import ContainerStack, is_ready
from tests.end_to_end.client import wait_for

CALCULATION = "/v1/calculation/basic"
ITEM = {"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 0}

COPIES = {"worker-calculation", "worker-calculation-2", "worker-calculation-3"}

# Whether engine and Compose answer, the configuration, the images, the build, what is to be made anew, and a few looks,
# of two calls each, at all containers: as many whatever the number of services.
MOST_CALLS_OF_UP = 28
OTHER_IMAGE = '{"services": {"api": {"build": {"context": ".", "dockerfile": "Missing.Dockerfile"}}}}'

# Container engines do not restart what they were asked to kill, so the program is ended from within.
KILL_THE_PROGRAM = """
import os, signal
(program,) = open('/proc/1/task/1/children').read().split()[:1]
os.kill(int(program), signal.SIGKILL)
"""


def copies_that_work(stack: ContainerStack) -> set[str]:
    return {
        each["name"] for each in stack.ps()["workers"] if "calculation" in {at["queue"] for at in each["consumers"]}
    }


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
    wait_for(lambda: copies_that_work(stack) == COPIES, "each copy to be seen at work")
    assert {each["name"] for each in stack.ps()["services"]} >= COPIES
    stack.compose("up", "--detach", "--scale", "worker-calculation=1")
    assert stack.containers().keys() == others.keys()


def test_up_leaves_alone_what_runs(stack: ContainerStack) -> None:
    before = stack.started_at()
    stack.up()
    assert stack.started_at() == before


def test_up_and_ps_of_a_stack_that_runs_ask_the_engine_for_all_containers_at_once(
    stack: ContainerStack, tmp_path: Path
) -> None:
    stack.wait_until_healthy()
    with stack.counted(tmp_path) as calls_of_up:
        stack.up()
    (tmp_path / "calls").unlink()
    with stack.counted(tmp_path) as calls_of_ps:
        statuses = stack.ps()["services"]
    assert {each["health"] for each in statuses} == {"healthy"}
    assert len(calls_of_up) <= MOST_CALLS_OF_UP, calls_of_up
    assert not [call for call in calls_of_up + calls_of_ps if call.startswith("exec")]
    # It takes several times as long to answer as the engine.
    assert not [call for call in calls_of_ps if call.startswith("compose")]


def test_a_service_that_is_paused_is_not_healthy_and_up_lets_it_go_on(stack: ContainerStack) -> None:
    stack.pause("api")
    paused = next(each for each in stack.ps()["services"] if each["name"] == "api")
    stack.up()
    assert (paused["state"], paused["health"]) == ("paused", "unhealthy")
    assert is_ready(f"{stack.api_url}/readyz")


def test_up_removes_the_image_that_it_replaces(stack: ContainerStack, tmp_path: Path) -> None:
    (before,) = stack.images()
    override = tmp_path / "labelled.yml"
    override.write_text(json.dumps({"services": {"api": {"build": {"labels": {"another": "image"}}}}}))
    stack.compose("--file", f"{ROOT}/docker-compose.yml", "--file", str(override), "build", "api")
    assert len(stack.images()) == 2
    stack.up()
    assert stack.images() == [before]


def test_up_reports_at_once_a_service_that_exits_again_and_again(stack: ContainerStack, tmp_path: Path) -> None:
    command = ["python", "-c", "raise SystemExit('cannot start: something is missing')"]
    override = tmp_path / "broken.yml"
    override.write_text(json.dumps({"services": {"worker-data": {"command": command}}}))
    files = f"{ROOT}/docker-compose.yml:{override}"
    # The second finds it as the first has left it: started again each time, it is mostly seen running.
    at_its_start, later = (stack.try_up(COMPOSE_FILE=files) for _ in range(2))
    stack.up()
    for done in (at_its_start, later):
        assert done.returncode == 1
        assert "worker-data cannot start: it has exited" in done.stderr
        assert "cannot start: something is missing" in done.stderr


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


def test_callbacks_and_stories_outlive_containers_that_are_replaced_and_removed(stack: ContainerStack) -> None:
    client = stack.client()
    task_id = client.submit(CALCULATION, [ITEM])
    client.wait_for_deliveries(task_id)
    wait_for(lambda: events(stack, task_id) == ["accepted", "callback received", "delivered"], "the whole story")
    story = stack.trace(task_id)["steps"]
    stack.up(LOG_LEVEL="WARNING")
    assert stack.trace(task_id)["steps"] == story
    stack.down()
    assert stack.compose("ps", "--all", "--quiet") == ""
    assert not is_ready(f"{stack.api_url}/healthcheck")
    stack.up()
    assert stack.trace(task_id)["steps"] == story
    assert len(client.deliveries(task_id)) == 1
    client.close()


def events(stack: ContainerStack, task_id: str) -> list[str]:
    """What has happened to the task, in the words of the services."""
    return sorted(step["line"]["event"] for step in stack.trace(task_id)["steps"])


def test_plain_compose_restarts_and_goes_down_and_up_with_all_that_is_queued(stack: ContainerStack) -> None:
    client = stack.client()
    refused = client.submit(CALCULATION, [ITEM], f"{client.callback_url}?status=410&times=1")
    wait_for(lambda: refused in undelivered(stack), "an outcome that nobody takes")
    stack.compose("stop", "worker-data")
    waiting = [client.submit("/v1/data/from-api", [{"name": "a", "url": client.source_url}]) for _ in range(3)]

    stack.compose("restart", "localstack")
    wait_for(lambda: is_ready(f"{stack.api_url}/readyz"), "LocalStack to be back")
    waiting.append(client.submit("/v1/data/from-api", [{"name": "a", "url": client.source_url}]))
    assert stack.trace(refused)["standing"]["state"] == "undelivered"
    assert json.loads(stack.stack("ps", "--json"))["made_anew"] is None
    stack.compose("down")
    stack.compose("up", "--detach")

    for task_id in waiting:
        assert client.outcome(task_id)["errors"] == []
    assert [len(client.deliveries(task_id)) for task_id in waiting] == [1] * len(waiting)
    assert refused in undelivered(stack)
    client.close()


def undelivered(stack: ContainerStack) -> str:
    """What `dlq` lists of that queue."""
    return stack.dlq("list", "undelivered", "--json")
