"""What one LocalStack has made the next one takes: its index of services, and its bytecode."""

from pathlib import Path

import pytest

from stack.environment import merged_environment
from stack.localstack.provisioning import render_queues
from tests.integration.conftest import running_localstack


@pytest.fixture
def queues_json() -> str:
    return render_queues(merged_environment())


@pytest.mark.usefixtures("localstack_url")
def test_it_loads_the_index_that_another_has_made(tmp_path: Path, queues_json: str) -> None:
    with running_localstack(tmp_path, queues_json, settings={"DEBUG": "1"}) as (_url, readiness):
        assert readiness.verdict == "ready", readiness.reason

    log = (tmp_path / "localstack.log").read_text()
    assert "loading service catalog index cache file" in log
    assert "building service catalog index cache file" not in log


def test_it_keeps_its_bytecode_though_a_shell_wants_none_kept(
    tmp_path: Path, queues_json: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    bytecode = tmp_path / "bytecode"

    with running_localstack(tmp_path, queues_json, settings={"PYTHONPYCACHEPREFIX": str(bytecode)}) as (
        _url,
        readiness,
    ):
        assert readiness.verdict == "ready", readiness.reason

    assert list(bytecode.rglob("localstack/**/*.pyc"))
