"""What the commands say of a stack that was stopped, whose logs are still there."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.telemetry import log_events
from stack import state
from stack.__main__ import app
from stack.config import Mode, StackSettings
from tests.unit.stack.logs.log_lines import TASK, raw

FUNCTIONS_LOG = {"native": "api", "lambda": "async-tasks-api"}


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STACK_DIR", str(tmp_path))
    monkeypatch.setenv("MODE", "native")
    return tmp_path


def stop(directory: Path, mode: Mode) -> None:
    """Leave what a stack leaves that has accepted a task and was stopped."""
    (directory / "logs").mkdir()
    accepted = raw("api", log_events.ACCEPTED, task_type="data")
    (directory / "logs" / f"{FUNCTIONS_LOG[mode]}.log").write_text(accepted.text + "\n")
    (directory / "native.json").write_text(json.dumps({"health_urls": {"api": "http://localhost:1"}}))
    state.remember_stopped(StackSettings(mode, directory=directory))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--json"])


@pytest.mark.parametrize("mode", ["native", "lambda"])
def test_its_logs_are_read_and_that_it_is_not_up_is_said(directory: Path, mode: Mode) -> None:
    stop(directory, mode)

    for done, found in [(run("trace", TASK), "standing"), (run("logs"), "event")]:
        assert found in json.loads(done.stdout)
        assert done.stderr == "The stack is not up: the logs are those of its last run.\n"


def test_nothing_comes_of_it_that_could_be_followed(directory: Path) -> None:
    stop(directory, "native")

    for done in (run("logs", "--follow"), run("tail"), run("ps")):
        assert (done.exit_code, "The stack is not up: `make up` starts it." in done.stderr) == (1, True)


def test_of_a_stack_that_never_ran_there_is_none(directory: Path) -> None:
    assert not list(directory.iterdir())
    assert "The stack is not up: `make up` starts it." in run("trace", TASK).stderr
