"""When the console starts, and when it does not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.console.settings import ConsoleSettings, ServiceAddress
from services.queueing.client import is_aws, resolve_endpoint
from services.settings import load_settings
from stack.config import ROOT


def started(directory: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Start the console where it cannot listen: it ends in any case."""
    return subprocess.run(
        [sys.executable, "-m", "services.console"],
        cwd=directory,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "AWS_CONFIG_FILE": os.devnull,
            "CONSOLE_HOST": "192.0.2.1",
            **settings,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_it_does_not_start_on_aws_unless_asked_for(tmp_path: Path) -> None:
    done = started(tmp_path)

    assert done.returncode == os.EX_CONFIG
    [line] = done.stderr.splitlines()
    assert line.startswith("cannot start: CONSOLE_ENABLED: the queues are those of AWS")
    assert "CONSOLE_ENABLED=true" in line


def test_it_starts_at_any_other_endpoint_that_of_the_configuration_file_too(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nendpoint_url = http://127.0.0.1:9\n")

    assert "CONSOLE_ENABLED" not in started(tmp_path, AWS_CONFIG_FILE=str(config)).stderr


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS"])
async def test_the_endpoint_that_decides_is_the_one_that_is_set(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert await resolve_endpoint(load_settings(ConsoleSettings)) == "http://127.0.0.1:9/"


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("https://sqs.eu-central-1.amazonaws.com", True),
        ("http://localhost:4566", False),
        ("http://amazonaws.com.example", False),
    ],
)
def test_an_endpoint_is_that_of_aws_by_its_name(endpoint: str, expected: bool) -> None:  # noqa: FBT001
    assert is_aws(endpoint) is expected


def test_a_service_that_is_no_address_is_named_with_its_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONSOLE_SERVICES", "api=http://127.0.0.1:8081,worker")

    with pytest.raises(SystemExit):
        load_settings(ConsoleSettings)

    assert capsys.readouterr().err.startswith("cannot start: CONSOLE_SERVICES.1: 'worker' is not name=http://host:port")


def test_services_are_read_with_their_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSOLE_SERVICES", "api=http://127.0.0.1:8081, worker-data=http://worker-data:8081/")

    assert ConsoleSettings().console_services == [
        ServiceAddress("api", "http://127.0.0.1:8081"),
        ServiceAddress("worker-data", "http://worker-data:8081"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "api",
        "=http://h:1",
        "api=",
        "api=h:1",
        "api=https://h:1",
        "api=http://h",
        "api=http://h:x",
        "api=http://h:1/path",
    ],
)
def test_what_is_no_address_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("CONSOLE_SERVICES", text)

    with pytest.raises(ValidationError, match="name=http://host:port"):
        ConsoleSettings()


def test_the_documentation_is_the_apis_unless_set_otherwise() -> None:
    assert ConsoleSettings().api_docs_url == "http://localhost:8000/docs"
