"""What the engine knows of a container, and how one is asked of which it does not know."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from stack.config import StackSettings, stack_settings
from stack.containers.docker import Container
from stack.containers.readiness import known_readiness, probe_of, readiness_of
from stack.ports import free_port
from stack.readiness import READY
from tests.unit.stack.conftest import Serve

WORKER = Container(
    name="stack-worker-data-2",
    service="worker-data",
    number=2,
    address="172.18.0.7",
    state="running",
    restarts=0,
    health="starting",
    exit_code=0,
    pid=42,
    started_at="2026-11-24T14:04:16.100000000Z",
    health_check=("python", "-c", "ask"),
)


@pytest.mark.parametrize("health", ["healthy", "none"])
def test_one_that_runs_and_is_healthy_or_has_no_health_check_is_ready(health: str) -> None:
    assert known_readiness(replace(WORKER, health=health), 0) == READY


@pytest.mark.parametrize("health", ["starting", "unhealthy"])
def test_one_that_the_engine_has_not_judged_or_that_may_have_recovered_since_is_to_be_asked(health: str) -> None:
    assert known_readiness(replace(WORKER, health=health), 0) is None


@pytest.mark.parametrize("state", ["restarting", "exited", "dead"])
def test_one_that_has_exited_has_failed(state: str) -> None:
    known = known_readiness(replace(WORKER, state=state, exit_code=78, health="unhealthy"), 0)

    assert known is not None
    assert known.verdict == "failed"
    assert known.reason == "it has exited with 78"


@pytest.mark.parametrize("health", ["starting", "healthy"])
def test_one_that_is_seen_running_because_it_was_started_again_has_failed(health: str) -> None:
    known = known_readiness(replace(WORKER, restarts=4, health=health), 3)

    assert known is not None
    assert known.verdict == "failed"
    assert "started it again" in known.reason


def test_one_that_was_started_again_long_ago_is_ready() -> None:
    assert known_readiness(replace(WORKER, restarts=3, health="healthy"), 3) == READY


def test_one_that_is_paused_has_failed_however_healthy_it_was_and_the_reason_says_what_helps() -> None:
    known = known_readiness(replace(WORKER, state="paused", health="healthy"), 0)

    assert known is not None
    assert known.verdict == "failed"
    assert "docker unpause stack-worker-data-2" in known.reason


def test_one_that_was_made_and_not_started_is_not_ready_yet() -> None:
    known = known_readiness(replace(WORKER, state="created", health="none"), 0)

    assert known is not None
    assert known.verdict == "not yet"


@pytest.mark.parametrize(("exit_code", "verdict"), [(0, "ready"), (1, "not yet")])
def test_one_without_a_port_here_is_asked_by_its_own_health_check(
    exit_code: int, verdict: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\necho "$@" > "$0.arguments"\nexit {exit_code}\n')
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    assert probe_of(WORKER, StackSettings("containers"))().verdict == verdict
    assert docker.with_name("docker.arguments").read_text().strip() == "exec stack-worker-data-2 python -c ask"


@pytest.mark.parametrize(
    ("service", "path"), [("api", "/readyz"), ("receiver", "/healthcheck"), ("console", "/healthcheck")]
)
def test_one_with_a_port_here_is_asked_there(service: str, path: str, serve: Serve) -> None:
    port = serve(lambda request, _body: (200 if request == f"GET {path}" else 404, {}))
    settings = stack_settings({f"{service.upper()}_PORT": f"{port}"}, "containers")

    assert probe_of(replace(WORKER, service=service), settings)() == READY


@pytest.mark.parametrize(("script", "verdict"), [("SUCCESSFUL", "ready"), ("RUNNING", "not yet"), ("ERROR", "failed")])
def test_localstack_is_asked_for_its_hooks(script: str, verdict: str, serve: Serve) -> None:
    scripts = [{"stage": "READY", "name": "provision_queues.py", "state": script}]
    hooks = {"completed": {"READY": script != "RUNNING"}, "scripts": scripts}
    port = serve(lambda request, _body: (200, hooks) if request == "GET /_localstack/init" else (404, {}))

    localstack = replace(WORKER, service="localstack")

    assert probe_of(localstack, StackSettings("containers", localstack_port=port))().verdict == verdict


def test_one_that_does_not_listen_is_not_ready_yet() -> None:
    settings = StackSettings("containers", api_port=free_port())

    assert probe_of(replace(WORKER, service="api"), settings)().verdict == "not yet"


@pytest.mark.parametrize(
    ("health", "seconds_left", "verdict"),
    [("starting", 0, "not yet"), ("unhealthy", 60, "not yet"), ("unhealthy", 0, "failed")],
)
def test_one_that_was_unhealthy_for_long_is_given_little_time_to_recover(
    health: str, seconds_left: float, verdict: str
) -> None:
    settings = StackSettings("containers", api_port=free_port())
    api = replace(WORKER, service="api", health=health)

    probe = readiness_of(api, settings, 0, time.monotonic() + seconds_left)

    assert callable(probe)
    assert probe().verdict == verdict
