"""`make check` fails on a known vulnerability of what runs in production, and on nothing that it cannot know."""

import os
import subprocess
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from types import ModuleType
from typing import Any

import pytest

from stack.config import ROOT
from stack.ports import free_port

VULNERABLE = {"name": "jinja2", "version": "2.10", "vulns": [{"id": "PYSEC-2019-217", "fix_versions": ["2.10.1"]}]}
UNFIXED = {"name": "thing", "version": "1.0", "vulns": [{"id": "PYSEC-2026-1", "fix_versions": []}]}
SOUND = {"name": "rich", "version": "15.0.0", "vulns": []}
SKIPPED = {"name": "httpx", "skip_reason": "not found"}


@pytest.fixture(scope="module")
def script() -> ModuleType:
    loader = SourceFileLoader("audit", str(ROOT / ".ci" / "audit"))
    module = module_from_spec(ModuleSpec("audit", loader, origin=loader.path))
    module.__file__ = loader.path
    loader.exec_module(module)
    return module


def report(*packages: dict[str, Any]) -> dict[str, Any]:
    return {"dependencies": list(packages)}


@pytest.mark.parametrize(
    ("reports", "status"),
    [
        ({"runtime": report(SOUND), "dev": report(SOUND), "localstack": report(SOUND)}, 0),
        ({"runtime": report(SOUND, VULNERABLE), "dev": report(SOUND), "localstack": report(SOUND)}, 1),
        ({"runtime": report(SOUND), "dev": report(VULNERABLE), "localstack": report(UNFIXED)}, 0),
        ({"runtime": report(SKIPPED), "dev": None, "localstack": None}, 0),
    ],
)
def test_a_vulnerability_fails_the_check_where_it_runs_in_production(
    script: ModuleType, reports: dict[str, Any], status: int
) -> None:
    assert script.exit_status(reports) == status


@pytest.mark.parametrize(
    ("report", "lines"),
    [
        (report(SOUND), ["pip-audit: no known vulnerability in a.txt (1 of 1 packages audited)."]),
        (report(SOUND, SKIPPED), ["pip-audit: no known vulnerability in a.txt (1 of 2 packages audited)."]),
        (
            report(VULNERABLE, SOUND, UNFIXED),
            [
                "pip-audit: known vulnerabilities in a.txt (3 of 3 packages audited):",
                "  jinja2 2.10: PYSEC-2019-217, fixed in 2.10.1",
                "  thing 1.0: PYSEC-2026-1, fixed in no version",
            ],
        ),
        (report(SKIPPED), ["pip-audit: no database of vulnerabilities answers: a.txt was not audited."]),
        (None, ["pip-audit: no database of vulnerabilities answers: a.txt was not audited."]),
    ],
)
def test_it_says_what_it_found_and_what_it_could_not_look_up(
    script: ModuleType, report: dict[str, Any] | None, lines: list[str]
) -> None:
    assert script.describe("a.txt", report) == lines


def test_a_machine_without_a_network_passes_and_reads_so() -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    done = subprocess.run(  # noqa: S603  # our own script
        [sys.executable, ROOT / ".ci" / "audit"],
        env={**os.environ, "HTTPS_PROXY": nowhere, "https_proxy": nowhere},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("was not audited") == 3
