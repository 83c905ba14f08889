"""`python -m tests.brokers.end_to_end`: the end-to-end suite on a stack on each broker, and what came of each.

All brokers at a time, each with one stack: most of the tests wait, and more stacks would cost more. Exit status 1
where a test failed, or was skipped.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import typer
from rich.console import Console

from services.streams.standard_streams import run_command
from services.streams.whole_table import WholeTable
from stack.brokers import BROKERS
from stack.config import ROOT
from tests.end_to_end.not_asked import LINE_START

LONGEST_SECONDS = 1200
"""How long the suite may take on one broker; what hangs is interrupted then."""

TIDY_SECONDS = 60
"""How long the suite may take to stop its stack after that."""

console = Console(highlight=False)


@dataclass(frozen=True)
class Outcome:
    """What came of the suite on one broker."""

    broker: str
    passed: int
    failed: int
    skipped: int
    not_asked: list[str]
    """Each test that was left out, with the reason."""
    output: str

    @property
    def is_good(self) -> bool:
        """Whether all that is asked passed."""
        return self.passed > 0 and not (self.failed or self.skipped)


def main(
    brokers: Annotated[
        list[str] | None, typer.Argument(metavar="[BROKER]…", help=f"Of {', '.join(BROKERS)}; left out, all.")
    ] = None,
) -> None:
    """Run the end-to-end suite on each broker, natively, and show a table of what passed, failed and was not asked."""
    if unknown := set(brokers or ()) - BROKERS.keys():
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: there are {', '.join(BROKERS)}.")
    with ThreadPoolExecutor(len(BROKERS)) as threads:
        outcomes = list(threads.map(run_suite, brokers or BROKERS))
    show(outcomes)
    if not all(outcome.is_good for outcome in outcomes):
        raise typer.Exit(1)


def run_suite(broker: str) -> Outcome:
    """Run it on one broker, and say when it has begun and ended."""
    console.print(f"{broker}: the end-to-end suite begins.", markup=False)
    with tempfile.TemporaryDirectory() as folder:
        report, output = Path(folder) / "report.xml", Path(folder) / "output"
        # The tests of functions are of LocalStack alone.
        suite = ["tests/end_to_end", "--ignore", "tests/end_to_end/test_function_faults.py"]
        with (
            output.open("w") as out,
            subprocess.Popen(  # noqa: S603  # this interpreter's pytest
                [sys.executable, "-m", "pytest", "--durations", "8", "--junitxml", str(report), *suite],
                cwd=ROOT,
                env={**os.environ, "BROKER": broker, "MODE": "native"},
                stdout=out,
                stderr=subprocess.STDOUT,
            ) as tests,
        ):
            exit_code = end_of(tests)
        outcome = outcome_of(broker, report.read_text() if report.exists() else "", output.read_text(), exit_code)
    console.print(f"{broker}: {'all is well' if outcome.is_good else 'it does not pass'}.", markup=False)
    return outcome


def end_of(tests: "subprocess.Popen[bytes]") -> int:
    """Wait for the exit code; what takes too long is interrupted as by Ctrl-C, so that it stops its stack."""
    try:
        return tests.wait(LONGEST_SECONDS)
    except subprocess.TimeoutExpired:
        tests.send_signal(signal.SIGINT)
    try:
        return tests.wait(TIDY_SECONDS)
    except subprocess.TimeoutExpired:
        tests.kill()
        return tests.wait()


def outcome_of(broker: str, report: str, output: str, exit_code: int) -> Outcome:
    """Read what pytest has written: its report in JUnit's XML, empty where there is none, and what it has printed.

    A run that has not come to its end counts as one test that failed: https://docs.pytest.org/en/stable/reference/exit-codes.html
    """
    not_asked = re.findall(rf"^{re.escape(LINE_START)}(.*)$", output, re.MULTILINE)
    if not report:
        return Outcome(broker, 0, 1, 0, not_asked, output)
    # Our own pytest has written it.
    cases = list(ET.fromstring(report).iter("testcase"))  # noqa: S314
    failed = sum(case.find("failure") is not None or case.find("error") is not None for case in cases)
    skipped = sum(case.find("skipped") is not None for case in cases)
    passed = len(cases) - failed - skipped
    is_at_its_end = exit_code in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}
    return Outcome(broker, passed, failed + (not is_at_its_end), skipped, not_asked, output)


def show(outcomes: list[Outcome]) -> None:
    """Print what failed, then the table, then what was not asked, and why."""
    for outcome in outcomes:
        if not outcome.is_good:
            console.print(f"\n{outcome.broker}:\n{outcome.output}", markup=False, soft_wrap=True)
    table = WholeTable("broker", "passed", "failed", "skipped", "not asked")
    for outcome in outcomes:
        table.add_row(
            outcome.broker, *map(str, (outcome.passed, outcome.failed, outcome.skipped, len(outcome.not_asked)))
        )
    console.print(table)
    for outcome in outcomes:
        for line in outcome.not_asked:
            console.print(f"Not asked of {outcome.broker}: {line}", markup=False, soft_wrap=True)


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command()(main)

if __name__ == "__main__":
    run_command(app)
