"""What docker-compose.yml says, without a container engine."""

import os
import re
import shutil
import subprocess
import sys
from typing import Any

import pytest
import yaml

from stack.broker.provisioning import worker_queues
from stack.commands.generate import replace_region
from stack.config import ROOT, StackSettings
from stack.environment import service_environment
from stack.observability import PROFILE

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OBSERVERS = sorted(name for name, service in SERVICES.items() if service.get("profiles") == [PROFILE])
OWN = sorted(SERVICES.keys() - {"localstack", *OBSERVERS})
CONSUMERS = sorted(name for name in SERVICES if name == "dlq-watcher" or name.startswith("worker-"))

# What the default settings of a consumer allow: the longest poll, then the drain, then what is left to settle.
LONGEST_STOP_SECONDS = 20 + 20 + 10


def test_every_queue_that_a_worker_consumes_has_its_service() -> None:
    queues = worker_queues((ROOT / "localstack-init" / "queues.json").read_text())
    commands = [service["command"] for service in SERVICES.values() if "services.worker" in service.get("command", [])]
    assert sorted(commands) == sorted(["python", "-m", "services.worker", queue] for queue in queues)


def test_the_generated_files_follow_the_code() -> None:
    # A process of its own: task types that other tests define are not to be seen here.
    command = [sys.executable, "-m", "stack", "generate", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr


def test_the_console_asks_every_service_that_has_an_internal_address() -> None:
    asked = dict(each.split("=") for each in SERVICES["console"]["environment"]["CONSOLE_SERVICES"].split(","))
    assert asked == {name: f"http://{name}:8081" for name in OWN if name not in {"receiver", "console"}}


@pytest.mark.parametrize("name", ["ALLOWED_PRIVATE_TARGETS", "EXAMPLE_RECEIVER_URL", "LOG_FORMAT", "SLACK_API_URL"])
def test_a_value_is_the_one_that_make_up_gives_unless_it_is_set(name: str) -> None:
    default = service_environment(StackSettings("containers"))[name]
    for service in OWN:
        assert re.fullmatch(rf"\$\{{{name}:?-{re.escape(default)}\}}", SERVICES[service]["environment"][name])


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_hardened(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["init"] is True
    assert service["restart"] == "unless-stopped"
    assert service["pids_limit"] > 0
    assert service["mem_limit"]
    assert service["logging"]["options"]["max-size"]
    assert service["healthcheck"]["test"]
    assert not service.get("privileged", False)


@pytest.mark.parametrize("name", OWN)
def test_a_service_of_the_own_image_runs_as_a_numbered_user_on_a_read_only_root(name: str) -> None:
    user, _, group = SERVICES[name]["user"].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert SERVICES[name]["read_only"] is True
    assert SERVICES[name]["tmpfs"][0].startswith("/tmp:")  # noqa: S108  # the container's


def test_every_port_is_published_on_loopback_and_can_be_moved() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 4 + len(OBSERVERS)
    assert all(re.fullmatch(r"127\.0\.0\.1:\$\{[A-Z]+_PORT:-(\d+)\}:\1", port) for port in ports)


def test_images_are_pinned() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert re.search(r"^ARG PYTHON_IMAGE=python:3\.13\.\d+-slim-\w+$", dockerfile, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) == {"${PYTHON_IMAGE}"}
    assert re.fullmatch(r"\$\{LOCALSTACK_IMAGE:-\S+:\d+\.\d+\.\d+\}", SERVICES["localstack"]["image"])
    assert {SERVICES[name]["image"] for name in OWN} == {"${COMPOSE_PROJECT_NAME}-services"}
    assert all(re.fullmatch(r"[a-z]+/[a-z]+:v?\d+\.\d+\.\d+", SERVICES[name]["image"]) for name in OBSERVERS)


def test_what_looks_at_the_stack_starts_only_where_it_is_asked_for() -> None:
    assert OBSERVERS == ["grafana", "jaeger", "prometheus"]


@pytest.mark.parametrize("name", OBSERVERS)
def test_what_looks_at_the_stack_has_a_read_only_root_and_what_it_reads_is_in_the_project(name: str) -> None:
    assert SERVICES[name]["read_only"] is True
    mounted = [volume for volume in SERVICES[name].get("volumes", []) if volume.startswith("./")]
    assert all(volume.endswith(":ro") and (ROOT / volume.split(":")[0]).is_dir() for volume in mounted)


def test_grafana_sends_no_usage_data_and_lets_nobody_change_anything() -> None:
    environment = SERVICES["grafana"]["environment"]
    assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert {value for name, value in environment.items() if name.startswith("GF_ANALYTICS_")} == {"false"}


def test_prometheus_finds_every_service_by_its_name() -> None:
    scraped = yaml.safe_load((ROOT / "observability/prometheus/prometheus.yml").read_text())["scrape_configs"]
    names = {name for job in scraped for found in job["dns_sd_configs"] for name in found["names"]}
    aliases = {
        alias
        for name in CONSUMERS
        if name.startswith("worker-")
        for alias in SERVICES[name]["networks"]["default"]["aliases"]
    }
    assert names == {"api", "dlq-watcher", *aliases}
    assert all(SERVICES[name]["networks"]["default"]["aliases"] for name in CONSUMERS if name.startswith("worker-"))
    assert {found["port"] for job in scraped for found in job["dns_sd_configs"]} == {8081}


def compose_answers() -> bool:
    """Return whether the command has Compose: its client alone words the lack of it in ways of its own."""
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0  # noqa: S607


@pytest.mark.skipif(not compose_answers(), reason="there is no Compose to ask")
@pytest.mark.parametrize("profiles", ["", PROFILE])
def test_compose_understands_the_file(profiles: str) -> None:
    environment = {**os.environ, "COMPOSE_PROFILES": profiles}
    command = ["docker", "compose", "config", "--services"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) == {*SERVICES} - (set() if profiles else {*OBSERVERS})


@pytest.mark.parametrize("name", [*CONSUMERS, "api", "console"])
def test_what_uses_queues_starts_after_they_are_provisioned(name: str) -> None:
    assert SERVICES[name]["depends_on"] == {"localstack": {"condition": "service_healthy"}}


@pytest.mark.parametrize("name", CONSUMERS)
def test_a_consumer_may_take_longer_to_stop_than_its_drain(name: str) -> None:
    grace = SERVICES[name]["stop_grace_period"]
    assert int(grace.removesuffix("s")) > LONGEST_STOP_SECONDS


@pytest.mark.parametrize("name", CONSUMERS)
def test_copies_of_a_worker_can_run_side_by_side(name: str) -> None:
    assert not {"container_name", "ports"} & SERVICES[name].keys()


def test_localstack_is_healthy_when_its_hooks_have_succeeded() -> None:
    (check,) = (part for part in SERVICES["localstack"]["healthcheck"]["test"] if "_localstack/init" in part)
    assert "SUCCESSFUL" in check


def test_localstack_is_stopped_in_order_and_keeps_its_queues_in_a_volume() -> None:
    localstack = SERVICES["localstack"]
    directory, _, _name = localstack["environment"]["KEPT_QUEUES_FILE"].rpartition("/")
    assert f"queue-data:{directory}" in localstack["volumes"]
    assert "queue-data" in COMPOSE["volumes"]
    assert localstack.get("stop_signal", "SIGTERM") == "SIGTERM"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "a\n  # --- x: begin ---\n  old\n  # --- x: end ---\nb\n",
            "a\n  # --- x: begin ---\n  new\n  # --- x: end ---\nb\n",
        ),
        ("# --- x: begin ---\n# --- x: end ---\n", "# --- x: begin ---\nnew\n# --- x: end ---\n"),
        ("# --- y: begin ---\nold\n# --- y: end ---\n", "# --- y: begin ---\nold\n# --- y: end ---\n"),
    ],
)
def test_a_region_is_replaced_between_its_marks_alone(text: str, expected: str) -> None:
    assert replace_region(text, "x", ["new"]) == expected


SCRIPTS = [
    *(".ci/run", ".ci/lint", ".ci/base-images/base-images.sh", "tests/prometheus/fetch-prometheus.sh"),
    *("requirements/fetch-node-packages.sh", "requirements/lock-node-packages.sh"),
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_executable_and_parse(script: str) -> None:
    assert (ROOT / script).stat().st_mode & 0o111
    subprocess.run(["bash", "-n", str(ROOT / script)], check=True)  # noqa: S603, S607


def test_actions_are_pinned_by_commit() -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    used = re.findall(r"uses: (\S+)", workflow)
    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action) for action in used)
