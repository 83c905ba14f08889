"""Where the containers' settings come from, asked of Compose itself."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values

from stack.config import ROOT
from stack.environment import LOCAL_ENV


def environment_of(service: str, project: Path, **shell: str) -> Any:
    """The environment that a service gets, with `.env` looked for in `project`."""
    command = ["docker", "compose", "--file", f"{ROOT}/docker-compose.yml", "--project-directory", str(project)]
    variables = {"PATH": os.environ["PATH"], "HOME": str(project), **shell}
    config = subprocess.run(  # noqa: S603
        [*command, "config", "--format", "json"], env=variables, capture_output=True, text=True, check=True
    )
    return json.loads(config.stdout)["services"][service]["environment"]


def test_the_shell_wins_over_dot_env_which_wins_over_the_defaults(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SQS_WAIT_TIME_SECONDS=7\nHEARTBEAT_SECONDS=8\nLOG_LEVEL=DEBUG\n")
    environment = environment_of("worker-data", tmp_path, SQS_WAIT_TIME_SECONDS="3", WORKER_CONCURRENCY="5")
    assert environment["SQS_WAIT_TIME_SECONDS"] == "3"
    assert environment["WORKER_CONCURRENCY"] == "5"
    assert environment["HEARTBEAT_SECONDS"] == "8"
    assert environment["LOG_LEVEL"] == "DEBUG"
    assert environment["DRAIN_TIMEOUT_SECONDS"] == "6"


def test_without_shell_and_dot_env_the_settings_are_those_of_local_env(tmp_path: Path) -> None:
    assert dotenv_values(LOCAL_ENV, interpolate=False).items() <= environment_of("worker-data", tmp_path).items()


@pytest.mark.parametrize("beginning", [b"", b"\xef\xbb\xbf"])
def test_dot_env_may_come_from_an_editor_on_windows(tmp_path: Path, beginning: bytes) -> None:
    (tmp_path / ".env").write_bytes(beginning + b"SQS_WAIT_TIME_SECONDS=7\r\nUNKNOWN_TO_THE_PROJECT=yes\r\n")
    environment = environment_of("worker-data", tmp_path)
    assert (environment["SQS_WAIT_TIME_SECONDS"], environment["UNKNOWN_TO_THE_PROJECT"]) == ("7", "yes")


def test_a_setting_that_only_a_task_type_knows_reaches_it_from_dot_env(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("UNKNOWN_TO_THE_PROJECT=yes\n")
    assert environment_of("worker-data", tmp_path)["UNKNOWN_TO_THE_PROJECT"] == "yes"


def test_addresses_inside_the_network_are_fixed(tmp_path: Path) -> None:
    elsewhere = {"AWS_ENDPOINT_URL": "http://localhost:4566", "AWS_ENDPOINT_URL_SQS": "http://localhost:4566"}
    environment = environment_of("api", tmp_path, API_PORT="8100", **elsewhere)
    assert environment["API_PORT"] == "8000"
    assert {environment[name] for name in elsewhere} == {"http://localstack:4566"}


def test_localstack_is_given_no_secret_of_the_services(tmp_path: Path) -> None:
    assert not {"SLACK_BOT_TOKEN", "CALLBACK_SIGNING_SECRET"} & environment_of("localstack", tmp_path).keys()
