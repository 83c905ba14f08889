"""`python -m tests.chaos`, or shorter `make chaos`."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from random import SystemRandom
from typing import Annotated

import typer
from rich.console import Console

from services.streams.standard_streams import run_command
from tests.chaos.chaos_stack import targets
from tests.chaos.plan import make_plan
from tests.chaos.progress import Progress
from tests.chaos.reconciliation import reconcile
from tests.chaos.run import Options, run
from tests.chaos.show import show_problems, show_report

console = Console(highlight=False)


def main(
    tasks: Annotated[
        int, typer.Option(envvar="CHAOS_TASKS", min=1, help="Tasks to submit, spread over the run.")
    ] = 3000,
    seconds: Annotated[
        float, typer.Option(envvar="CHAOS_SECONDS", min=10, help="Length of load and faults; what follows is waiting.")
    ] = 300,
    seed: Annotated[
        int | None, typer.Option(envvar="CHAOS_SEED", help="The same seed has the same faults; unset: a new one.")
    ] = None,
    *,
    plan: Annotated[bool, typer.Option("--plan", help="Print the faults and do nothing.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the stack's directory after success too.")] = False,
) -> None:
    """Run a native stack of its own under load and faults, and account for every task that was answered 200.

    Exit status 1 where one is lost, or an outcome is not as it must be.
    """
    options = Options(tasks, seconds, SystemRandom().randrange(10**6) if seed is None else seed)
    if plan:
        for fault in make_plan(options.seed, options.seconds, targets()):
            console.print(str(fault), markup=False, soft_wrap=True)
        return
    console.print(f"CHAOS_SEED={options.seed} CHAOS_TASKS={options.tasks} CHAOS_SECONDS={options.seconds:g}")
    directory = Path(tempfile.mkdtemp(prefix="chaos-"))
    good = _run(options, directory)
    if good and not keep:
        shutil.rmtree(directory)
    else:
        console.print(f"The stack's directory, with its logs: {directory}", soft_wrap=True)
    if not good:
        raise typer.Exit(1)


def _run(options: Options, directory: Path) -> bool:
    with Progress(console, options.tasks) as progress:
        result = asyncio.run(run(options, directory, progress))
    report = reconcile(result.ledger, result.evidence)
    show_report(console, report, result)
    show_problems(console, report, directory / "logs")
    return not report.problems


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command()(main)

if __name__ == "__main__":
    run_command(app)
