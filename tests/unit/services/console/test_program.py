"""When the console starts, and when it does not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import HttpUrl, ValidationError

from services.dlq.move_task import is_aws
from services.settings import ConsoleSettings, ServiceAddress, load_settings
from stack.config import ROOT


def test_it_does_not_start_on_aws_unless_asked_for(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "services.console"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == os.EX_CONFIG
    [line] = done.stderr.splitlines()
    assert line.startswith("cannot start: CONSOLE_ENABLED: the queues are those of AWS")
    assert "CONSOLE_ENABLED=true" in line


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        (None, True),
        (HttpUrl("https://sqs.eu-central-1.amazonaws.com"), True),
        (HttpUrl("http://localhost:4566"), False),
        (HttpUrl("http://amazonaws.com.example"), False),
    ],
)
def test_no_endpoint_is_aws_and_so_are_its_own_names(endpoint: HttpUrl | None, expected: bool) -> None:  # noqa: FBT001
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


def test_the_documentation_is_the_apis_unless_told_otherwise() -> None:
    assert ConsoleSettings().api_docs_url == "http://localhost:8000/docs"
