"""What is asked of the engine, and how its answers are read: from a program that prints as `docker` does."""

import json
from pathlib import Path
from typing import Any

import pytest

from stack.config import StackSettings
from stack.containers import docker as engine
from stack.containers.docker import Compose, remove_image
from stack.containers.engine import engine_answers
from stack.containers.stack import ps
from stack.errors import StackError

FAKE_DOCKER = """#!/bin/sh
echo "$@" >> "$0.arguments"
case "$1" in
    ps) echo c1; echo c2;;
    inspect) cat "$0.inspected";;
    *) echo "no such command" >&2; exit 1;;
esac
"""

HOLDS_AN_IMAGE = """#!/bin/sh
[ "$2" = inspect ] && exit 0
[ -s "$0.held" ] || exit 0
sed -i 1d "$0.held"
exit 1
"""
"""It cannot remove an image as often as there are lines in the file."""

PROJECT = Compose({"COMPOSE_PROJECT_NAME": "stack"})


def inspected(number: int, *, test: list[str] | None = None, **state: Any) -> dict[str, Any]:
    labels = {"project": "stack", "service": "worker-data", "container-number": f"{number}"}
    return {
        "Name": f"/stack-worker-data-{number}",
        "RestartCount": 3,
        "Config": {
            "Labels": {f"com.docker.compose.{name}": value for name, value in labels.items()},
            **({"Healthcheck": {"Test": test}} if test else {}),
        },
        "NetworkSettings": {"Networks": {"stack_default": {"IPAddress": f"172.18.0.{number}"}}},
        "State": {"Status": "running", "ExitCode": 0, "Pid": 42, "StartedAt": "2026-11-24T14:04:16.1Z", **state},
    }


def answer(docker: Path, *containers: dict[str, Any]) -> None:
    docker.with_name("docker.inspected").write_text(json.dumps(containers))


def test_all_containers_are_known_by_two_questions_to_the_engine_and_none_to_compose(docker: Path) -> None:
    answer(docker, inspected(2), inspected(1))

    containers = PROJECT.containers()

    assert [(each.instance, each.address, each.restarts, each.state) for each in containers] == [
        ("worker-data", "172.18.0.1", 3, "running"),
        ("worker-data-2", "172.18.0.2", 3, "running"),
    ]
    listed, looked_at = docker.with_name("docker.arguments").read_text().splitlines()
    assert listed.startswith("ps --all ")
    assert "label=com.docker.compose.project=stack" in listed
    assert looked_at == "inspect c1 c2"


@pytest.mark.parametrize(
    ("test", "command"),
    [
        (["CMD", "wget", "-q", "--spider", "u"], ("wget", "-q", "--spider", "u")),
        (["CMD-SHELL", "curl -f u || exit 1"], ("/bin/sh", "-c", "curl -f u || exit 1")),
        (["NONE"], ()),
        (None, ()),
    ],
)
def test_a_health_check_is_a_command_or_a_shells(
    docker: Path, test: list[str] | None, command: tuple[str, ...]
) -> None:
    answer(docker, inspected(1, test=test))

    (container,) = PROJECT.containers()

    assert container.health_check == command


def test_an_engine_that_does_not_answer_is_reported_with_what_it_says(docker: Path) -> None:
    docker.write_text("#!/bin/sh\necho 'permission denied' >&2\nexit 1\n")

    with pytest.raises(StackError, match="docker ps") as raised:
        PROJECT.containers()

    assert raised.value.evidence == "permission denied"


def test_an_image_that_is_held_for_a_moment_is_removed_behind_it(docker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_LOOK_AGAIN_SECONDS", 0)
    docker.write_text(HOLDS_AN_IMAGE)
    docker.with_name("docker.held").write_text("held\nheld\n")

    remove_image("stack-services")

    assert not docker.with_name("docker.held").read_text()


def test_an_image_that_stays_is_reported_with_what_the_engine_says(
    docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_HELD_SECONDS", 0)
    docker.write_text("""#!/bin/sh\n[ "$2" = inspect ] || { echo 'a container uses it' >&2; exit 1; }\n""")

    with pytest.raises(StackError, match="cannot remove the image stack-services") as raised:
        remove_image("stack-services")

    assert raised.value.evidence == "a container uses it"


def test_an_image_that_is_not_there_is_no_fault(docker: Path) -> None:
    docker.write_text("#!/bin/sh\nexit 1\n")

    remove_image("stack-services")


@pytest.mark.parametrize("named", [{"COMPOSE_PROJECT_NAME": "stack"}, {}])
def test_ps_says_what_to_do_where_there_is_no_engine(
    named: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine_answers.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    settings = StackSettings("containers", directory=tmp_path, environment={"PATH": str(tmp_path), **named})

    with pytest.raises(StackError, match="No container engine with Compose v2 answers"):
        ps(settings)

    engine_answers.cache_clear()
