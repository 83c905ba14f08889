"""`python -m tests.brokers`, or shorter `make brokers`: probe each broker and write the tables of docs/brokers.md.

It installs the locked brokers where they are missing and runs one after the other on loopback, in one to two minutes.
"""

import argparse
import platform
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from services.streams.standard_streams import run_command
from stack.brokers import BROKERS
from tests.brokers.document import DOCUMENT, Cells, written
from tests.brokers.seen import look_at, version_of


def main(arguments: Sequence[str] | None = None) -> None:
    """Probe them all, then write the document."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.brokers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as directory:
        cells = look_at_all(Path(directory))
    DOCUMENT.write_text(written(DOCUMENT.read_text(), cells, versions(), f"{datetime.now(UTC):%Y-%m-%d}"))
    sys.stdout.write("The tables of docs/brokers.md are written.\n")


def look_at_all(directory: Path) -> Cells:
    """Probe each broker. Raises what a probe does."""
    cells: dict[str, dict[str, str]] = {}
    for broker in BROKERS.values():
        sys.stdout.write(f"{broker.title}\n")
        seen = look_at(broker, directory / broker.name)
        cells[broker.title] = {heading: cell.result() for heading, cell in seen.items()}
    return cells


def versions() -> str:
    """Say what was seen, and with what."""
    brokers = ", ".join(f"{broker.title} {version_of(broker)}" for broker in BROKERS.values())
    python = ".".join(platform.python_version_tuple()[:2])
    return f"{brokers}; boto3 {version('boto3')} on Python {python}"


if __name__ == "__main__":
    run_command(main)
