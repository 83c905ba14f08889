"""What one LocalStack has made the next one takes, its index of services and its bytecode; and how a start fails."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from stack.native.localstack import localstack_python
from stack.ports import free_port
from stack.readiness import Readiness
from tests.integration.conftest import QUEUES_JSON, environment_of_localstack, running_localstack


@dataclass(frozen=True)
class Start:
    """What came of the start of a LocalStack."""

    readiness: Readiness
    log: str
    directory: Path


@pytest.fixture(scope="module")
def start(localstack_url: str, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """That of one which says all that it does, beside another that is ready; a queue is asked of it that cannot be."""
    assert localstack_url
    directory = tmp_path_factory.mktemp("second")
    dangling = {**json.loads(QUEUES_JSON)["queues"][0], "dead_letter_queue": "nowhere"}
    queues = json.dumps({"queues": [dangling]})
    with running_localstack(directory, queues, settings={"DEBUG": "1"}) as (_url, readiness):
        return Start(readiness, (directory / "localstack.log").read_text(), directory)


def test_it_loads_the_index_that_another_has_made(start: Start) -> None:
    assert "loading service catalog index cache file" in start.log
    assert "building service catalog index cache file" not in start.log


def test_a_hook_that_fails_is_reported_as_failed(start: Start) -> None:
    assert start.readiness.verdict == "failed"
    assert "provision_queues.py" in start.readiness.reason


def test_its_index_of_plugins_is_its_own_and_one_that_was_killed_has_left_no_half_of_it(start: Start) -> None:
    indexes = list(start.directory.rglob("*.entry_points.txt"))
    assert indexes
    for index in indexes:
        index.write_text("")

    with running_localstack(start.directory) as (_url, readiness):
        assert readiness.verdict == "ready", readiness.reason


def test_it_keeps_its_bytecode_though_a_shell_wants_none_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    bytecode = tmp_path / "bytecode"
    environment = environment_of_localstack(free_port(), tmp_path, {"PYTHONPYCACHEPREFIX": str(bytecode)})

    # It keeps that of a part as that of the whole, which it takes long to compile.
    subprocess.run([localstack_python(), "-c", "import localstack.constants"], env=environment, check=True)  # noqa: S603

    assert list(bytecode.rglob("localstack/**/*.pyc"))
