"""`python -m bench`, or shorter `make bench`."""

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table as RichTable

from bench.builds import Builds, at_commit, on_other_python
from bench.document import write_document
from bench.errors import BenchError
from bench.lab import open_lab
from bench.measurements import Results
from bench.run import Outcome, carry_out, interleave
from bench.steps import Step
from bench.suites import FUNCTIONS, GROWTH, Suite, bench_with
from bench.surroundings import describe_surroundings
from bench.systems import PROJECT
from bench.tables import Table
from services.streams.standard_streams import run_command
from stack.config import ROOT
from stack.native.localstack import install_localstack

# A file is as wide as its tables.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)

LAST_RESULTS = ROOT / ".bench" / "results.json"


def main(  # noqa: PLR0913  # an option each
    only: Annotated[
        list[str] | None, typer.Option(help="Measure the scenarios, or the systems, that begin so; may be given often.")
    ] = None,
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes, once: a minute; writes no document.")] = False,
    growth: Annotated[bool, typer.Option("--growth", help="Measure this project's growth instead.")] = False,
    functions: Annotated[bool, typer.Option("--functions", help="Measure it as functions of AWS Lambda.")] = False,
    baseline: Annotated[
        str, typer.Option(metavar="COMMIT", help="Measure this project as it was at that commit beside it, too.")
    ] = "",
    document: Annotated[
        bool, typer.Option("--document", help="Write the document anew from the kept results.")
    ] = False,
) -> None:
    """Measure this project beside its peers on a LocalStack of its own, and write docs/performance.md.

    Exit status 1 where a task was lost or a step could not be measured.
    """
    if document:
        _write_document()
        return
    suite = _suite_of(growth=growth, functions=functions, baseline=baseline)
    chosen = _choose(suite.steps(quick=quick), only or [])
    _install(chosen)
    begun = time.monotonic()
    outcome = _measure(chosen, 1 if quick else suite.repetitions, begun + suite.longest_seconds)
    surroundings = describe_surroundings(time.monotonic() - begun, suite.packages, suite.peers)
    results = Results(surroundings, outcome.measurements)
    results.save(LAST_RESULTS)
    _show(suite.report(results))
    if not _show_failures(outcome):
        raise typer.Exit(1)
    if not quick and not only:
        results.save(suite.kept)
        _write_document()


def _suite_of(*, growth: bool, functions: bool, baseline: str) -> Suite:
    if growth and functions:
        raise typer.BadParameter("--growth and --functions are two measurements")
    if not growth and not functions:
        return bench_with(_builds(baseline))
    if baseline:
        raise typer.BadParameter("--growth and --functions measure nothing beside a baseline")
    return GROWTH if growth else FUNCTIONS


def _builds(commit: str) -> Builds:
    try:
        baseline = at_commit(commit) if commit else None
    except BenchError as error:
        raise typer.BadParameter(str(error), param_hint="--baseline") from error
    return Builds(baseline, on_other_python())


def _choose(known: Sequence[Step], only: Sequence[str]) -> list[Step]:
    chosen = [step for step in known if not only or any(_matches(step, begin) for begin in only)]
    if not chosen:
        names = sorted({step.scenario for step in known})
        raise typer.BadParameter(f"no scenario and no system begins so; there are {', '.join(names)}")
    return chosen


def _matches(step: Step, begin: str) -> bool:
    return step.scenario.startswith(begin) or step.system.lower().startswith(begin.lower())


def _install(chosen: Sequence[Step]) -> None:
    """Make the environments that the steps need; in most of them this project is measured, or something beside it."""
    install_localstack()
    for environment in dict.fromkeys([PROJECT.environment, *(step.environment for step in chosen)]):
        if environment:
            environment.install()


def _measure(chosen: Sequence[Step], repetitions: int, deadline: float) -> Outcome:
    plan = interleave(chosen, repetitions)
    directory = Path(tempfile.mkdtemp(prefix="bench-"))
    with _progress(len(plan)) as on_step, open_lab(directory) as lab:
        outcome = carry_out(lab, plan, deadline, on_step)
    if outcome.failures:
        console.print(f"The logs are in {directory}", soft_wrap=True)
    else:
        shutil.rmtree(directory)
    return outcome


@contextmanager
def _progress(steps: int) -> Iterator[Callable[[int, Step], None]]:
    """Show a bar on a terminal, and a line for each step elsewhere."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        # One is under way from the beginning.
        task = bar.add_task("", total=steps, completed=-1)

        def on_step(repetition: int, step: Step) -> None:
            text = f"repetition {repetition + 1}, {step.scenario}: {step.system} {step.case}".rstrip()
            bar.update(task, advance=1, description=text)
            if not console.is_terminal:
                console.print(text, markup=False)

        yield on_step


def _show(tables: Iterable[Table]) -> None:
    for table in tables:
        if table.rows:
            console.print(_rich(table))


def _rich(table: Table) -> RichTable:
    rich = RichTable(title=table.title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for index, column in enumerate(table.columns):
        rich.add_column(column, justify="right" if index else "left")
    for row in table.rows:
        rich.add_row(*(cell.replace("**", "") for cell in row))
    return rich


def _show_failures(outcome: Outcome) -> bool:
    """Say what went wrong; return whether nothing did."""
    for failure in outcome.failures:
        console.print(f"✗ {failure}", markup=False, soft_wrap=True, style="bold red")
    lost = sum(measurement.figures.get("lost", 0) for measurement in outcome.measurements)
    if lost:
        console.print(f"✗ {lost:.0f} tasks were LOST", style="bold red")
    if outcome.left_out:
        console.print(f"✗ the time was over: {outcome.left_out} steps were left out", style="bold red")
    return not outcome.failures and not lost


def _write_document() -> None:
    for path in write_document():
        console.print(f"Wrote {path.relative_to(ROOT)}")


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command()(main)

if __name__ == "__main__":
    run_command(app)
