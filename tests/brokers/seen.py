"""Looks at a broker with every probe, and which version of it that is."""

import json
import subprocess
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from stack.brokers import FAUXQS, LOCALSTACK, MINISTACK, MOTO, Broker
from stack.interpreter import environment_python
from stack.native.broker_processes import fauxqs_packages
from stack.native.localstack import localstack_python
from tests.brokers.row import Row
from tests.brokers.rows import ROWS
from tests.brokers.running import CONNECTIONS, Subject, running

Seen = Mapping[str, Future[str]]
"""By the heading of its row, the text of its cell, or the error of its probe: all are done."""

DISTRIBUTIONS = {LOCALSTACK: "localstack-core", MOTO: "moto", MINISTACK: "ministack"}
"""The names of those that come from PyPI."""


def look_at(broker: Broker, directory: Path) -> Seen:
    """Run the broker and probe it, with the probes side by side that bear it. Raises `StackError` where it cannot."""
    with running(broker, directory) as subject:
        together = probed(subject, [row for row in ROWS if not row.is_alone], CONNECTIONS)
        return {**together, **probed(subject, [row for row in ROWS if row.is_alone], at_a_time=1)}


def probed(subject: Subject, rows: list[Row], at_a_time: int) -> Seen:
    """Probe it for these rows."""
    with ThreadPoolExecutor(at_a_time) as pool:
        return {row.heading: pool.submit(row.probe, subject) for row in rows}


def version_of(broker: Broker) -> str:
    """Return that of the one which is installed."""
    if broker == FAUXQS:
        _, packages = fauxqs_packages()
        return str(json.loads((packages / "fauxqs" / "package.json").read_text())["version"])
    python = localstack_python() if broker == LOCALSTACK else environment_python(broker.name)
    code = f"import importlib.metadata; print(importlib.metadata.version({DISTRIBUTIONS[broker]!r}))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
