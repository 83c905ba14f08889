"""A real Prometheus, and the queues of a real LocalStack."""

import os
import shutil
from pathlib import Path

import pytest

from stack.config import ROOT
from tests.integration.conftest import localstack_directory, localstack_url  # noqa: F401  # fixtures
from tests.integration.services.conftest import broker, broker_settings, unprovisioned  # noqa: F401  # fixtures
from tests.service_fixtures import plain_environment, serve  # noqa: F401  # fixtures


@pytest.fixture(scope="session")
def prometheus_program() -> Path:
    """$PROMETHEUS, or one on the PATH, else what fetch-prometheus.sh has unpacked; promtool is beside it."""
    found = os.environ.get("PROMETHEUS") or shutil.which("prometheus")
    program = Path(found) if found else ROOT / ".tools/prometheus/usr/bin/prometheus"
    if not program.exists():
        pytest.fail(f"{program} is missing: run `make test-prometheus`, or set PROMETHEUS", pytrace=False)
    return program
