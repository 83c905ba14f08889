"""A real LocalStack for all integration tests, started as a native stack starts it."""

import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType

import pytest

from services.queues import queues_json
from services.task_types.loading import load_task_types
from stack.config import ROOT
from stack.environment import merged_environment
from stack.native.localstack import (
    COMMAND,
    keep_for_next_start,
    localstack_environment,
    localstack_python,
    prepare_localstack,
)
from stack.ports import free_port
from stack.readiness import READY_SECONDS, Readiness, localstack_probe, wait_for_verdict

QUEUES_JSON = queues_json(load_task_types(["services.tasks"]))
"""The queues of the project's task types, as LocalStack's hook is given them."""


def environment_of_localstack(port: int, directory: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """That of a native stack's LocalStack, with these settings."""
    return {**merged_environment(), **localstack_environment(port, directory), **settings}


@contextmanager
def running_localstack(
    directory: Path,
    queues: str = QUEUES_JSON,
    port: int | None = None,
    *,
    settings: Mapping[str, str] = MappingProxyType({}),
    stop_signal: signal.Signals = signal.SIGKILL,
) -> Iterator[tuple[str, Readiness]]:
    """Run a LocalStack whose hook makes these queues; give its URL and what it says of its hook."""
    if not localstack_python().exists():
        pytest.fail(f"{localstack_python()} is missing: run `make test`, or set LOCALSTACK_PYTHON", pytrace=False)
    port = port or free_port()
    prepare_localstack(directory, queues)
    environment = environment_of_localstack(port, directory, settings)
    url = f"http://localhost:{port}"
    with (directory / "localstack.log").open("w") as log:
        process = subprocess.Popen(  # noqa: S603
            [localstack_python(), *COMMAND], cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            readiness = wait_for_verdict(partial(_verdict, process, url, directory), READY_SECONDS)
            if readiness.verdict == "ready":
                keep_for_next_start(directory)
            yield url, readiness
        finally:
            process.send_signal(stop_signal)
            process.wait()


def _verdict(process: subprocess.Popen[bytes], url: str, directory: Path) -> Readiness:
    if process.poll() is not None:
        return Readiness("failed", f"it has exited:\n{(directory / 'localstack.log').read_text(errors='replace')}")
    return localstack_probe(url)()


@pytest.fixture(scope="session")
def localstack_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the shared LocalStack has its files, its log among them."""
    return tmp_path_factory.mktemp("localstack")


@pytest.fixture(scope="session")
def localstack_url(localstack_directory: Path) -> Iterator[str]:
    """The URL of a LocalStack that has the queues of the project's task types."""
    with running_localstack(localstack_directory) as (url, readiness):
        assert readiness.verdict == "ready", readiness.reason
        yield url
