"""A stack of the suite's own, whose callbacks reach this machine, signed; and the tools that generate clients."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.config import ROOT
from stack.interpreter import environment_beside
from tests.clients.commands import Node
from tests.end_to_end.client import Client
from tests.end_to_end.conftest import running_stack
from tests.end_to_end.stack_control import SETTINGS, StackControl

SECRET = "whsec_b2YgdGVzdHMgb2YgY2xpZW50cywgbm90IGEgc2VjcmV0"  # noqa: S105  # of this suite's stack alone


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackControl]:
    settings = {
        **SETTINGS,
        "CALLBACK_SIGNING_SECRET": SECRET,
        "ALLOWED_PRIVATE_TARGETS": "127.0.0.1,localhost",
        "TASK_PACKAGES": f"{SETTINGS['TASK_PACKAGES']},tests.clients.task_types",
    }
    with running_stack(StackControl(tmp_path_factory.mktemp("stack"), mode="native", settings=settings)) as stack:
        yield stack


@pytest.fixture(scope="session")
def client(stack: StackControl) -> Iterator[Client]:
    client = Client(stack.api_url, stack.receiver_url, stack.receiver_url_for_services)
    yield client
    client.close()


@pytest.fixture(scope="session")
def document(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The OpenAPI document that the running API answers with."""
    file = tmp_path_factory.mktemp("document") / "openapi.json"
    file.write_bytes(client.api.get("/openapi.json").raise_for_status().content)
    return file


@pytest.fixture(scope="session")
def python_bin() -> Path:
    """The programs of the environment that `make test-clients` has made beside VENV."""
    return _found(environment_beside("clients") / "bin")


@pytest.fixture(scope="session")
def node() -> Node:
    """With what `make test-clients` has installed of package-lock.json."""
    program = shutil.which("node") or pytest.fail("node is missing: install Node.js", pytrace=False)
    return Node(program, _found(ROOT / ".tools" / "clients" / "node_modules"))


def _found(folder: Path) -> Path:
    if not folder.exists():
        pytest.fail(f"{folder} is missing: run `make test-clients`", pytrace=False)
    return folder
