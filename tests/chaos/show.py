"""Prints the result of a run."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.chaos.evidence import traces_of
from tests.chaos.reconciliation import Report
from tests.chaos.run import Result

MOST_PROBLEMS = 40


def show_report(console: Console, report: Report, result: Result) -> None:
    """Print the table."""
    table = Table("", "", box=None, show_header=False, padding=(0, 2))
    table.columns[1].justify = "right"
    for name, figure in _rows(report, result):
        table.add_row(name, figure)
    lost = len(report.lost)
    table.add_row("[bold]lost (must be 0)[/bold]", f"[bold {'red' if lost else 'green'}]{lost}[/]")
    console.print(table)


def show_problems(console: Console, report: Report, logs: Path) -> None:
    """Print what is wrong, with the last trace of each task in the logs."""
    for problem in report.problems[:MOST_PROBLEMS]:
        console.print(f"✗ {problem.subject}: {problem.what}", markup=False, soft_wrap=True, style="red")
        for trace in traces_of(problem.subject, logs) if problem.is_of_a_task else ():
            console.print(f"    {trace}", markup=False, soft_wrap=True, style="dim")
    if len(report.problems) > MOST_PROBLEMS:
        console.print(f"… and {len(report.problems) - MOST_PROBLEMS} more problems")


def _rows(report: Report, result: Result) -> Iterator[tuple[str, str]]:
    ledger = result.ledger
    yield "accepted (answered 200)", f"{len(report.fates)}"
    for fate in ("delivered as success", "delivered as failure", "undelivered with alert", "undelivered unseen"):
        yield f"  {fate}", f"{report.count(fate)}"
    yield "  of these, though their callback takes", f"{report.given_up}"
    yield "duplicates: taken more than once", f"{report.duplicates}"
    yield "  of them as success and as failure", f"{report.contradictions}"
    yield "begun again, though of one attempt", f"{report.begun_again}"
    yield "fail of themselves, and say of what", f"{report.own_reasons} of {report.own_reasons + report.lost_workers}"
    yield "refused by the API, and given up", f"{ledger.refused}"
    yield "answers", ", ".join(f"{count} times {answer}" for answer, count in sorted(ledger.answers.items()))
    yield "foreign messages accounted for", f"{report.foreign_found} of {len(ledger.foreign)}"
    yield "alerts, in Slack messages", f"{report.alerts} in {len(result.evidence.slack_messages)}"
    yield from result.figures.items()
    yield "longest wait for an outcome", f"{report.longest_wait.seconds:.1f} s"
    yield "settled after the last fault", f"{result.settled_after_seconds:.1f} s"
