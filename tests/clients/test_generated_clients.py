"""Clients generated from the running API's document compile, submit tasks, and read real callbacks by their types."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from stack.config import ROOT
from tests.clients.commands import Node, run
from tests.clients.conftest import SECRET
from tests.end_to_end.stack_control import StackControl

HERE = ROOT / "tests" / "clients"

GENERATORS = {
    "openapi-fetch": ["openapi-typescript", "openapi.json", "--output", "generated/openapi-fetch.ts"],
    "hey-api": ["openapi-ts"],
    "orval": ["orval", "--config", "orval.config.mjs"],
}
"""The command of each, by the name of the program that uses what it makes."""


def check(shown: str, **more: Any) -> None:
    """What a program shows is what came of its three tasks, and more where it submits more."""
    read: dict[str, Any] = json.loads(shown)
    assert read.pop("details").startswith("RuntimeError: attempt 1 fails on purpose")
    [failed] = read.pop("failedRequest")
    assert (failed["name"], failed["fail_attempts"]) == ("it", 1)
    assert read == {
        "calculated": [{"sum": 3.5}],
        "failedItems": [{"quotient": "division by zero"}],
        "fetched": [{"health": {"state": "healthy"}}],
        **more,
    }


@pytest.mark.parametrize("program", GENERATORS)
def test_a_typescript_client_compiles_strictly_and_reads_callbacks(
    program: str, stack: StackControl, document: Path, node: Node, tmp_path: Path
) -> None:
    shutil.copytree(HERE / "typescript", tmp_path, dirs_exist_ok=True)
    shutil.copy(HERE / "package.json", tmp_path)
    shutil.copy(document, tmp_path / "openapi.json")
    node.provide_packages(tmp_path)

    # orval's client has the API's address in it.
    node.tool(tmp_path, *GENERATORS[program], API_URL=stack.api_url)
    for other in GENERATORS.keys() - {program}:
        (tmp_path / f"{other}.ts").unlink()
    node.tool(tmp_path, "tsc", "--project", ".")

    check(node.run(tmp_path, f"compiled/{program}.js", stack.api_url, SECRET))


def test_a_python_client_reads_callbacks(stack: StackControl, document: Path, python_bin: Path, tmp_path: Path) -> None:
    client = tmp_path / "client"
    # It formats by a program of its environment.
    path = {"PATH": f"{python_bin}{os.pathsep}{os.environ['PATH']}"}
    generate: list[str | Path] = [
        python_bin / "openapi-python-client",
        "generate",
        "--path",
        document,
        "--output-path",
        client,
    ]
    said = run(generate, tmp_path, path)

    assert "Warning" not in said
    environment = {"PYTHONPATH": str(client)}
    shown = run([python_bin / "python", HERE / "python_client.py", stack.api_url, SECRET], tmp_path, environment)
    check(shown, rows=[[["n", 1], ["o", 2]], ["to", "be"]])
