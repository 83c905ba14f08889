"""`python -m tests.chaos`, or shorter `make chaos`."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from random import SystemRandom
from typing import Annotated, Literal

import typer
from rich.console import Console

from services.streams.standard_streams import run_command
from tests.chaos.chaos_stack import ChaosStack
from tests.chaos.function_stack import FunctionStack
from tests.chaos.plan import make_plan
from tests.chaos.process_stack import ProcessStack
from tests.chaos.progress import Progress
from tests.chaos.reconciliation import reconcile
from tests.chaos.run import Options, run
from tests.chaos.show import show_problems, show_report

console = Console(highlight=False)

_STACKS: dict[str, type[ChaosStack]] = {"native": ProcessStack, "lambda": FunctionStack}


def main(  # noqa: PLR0913  # an option for each
    tasks: Annotated[
        int,
        typer.Option(
            envvar="CHAOS_TASKS",
            min=1,
            help="Tasks to submit, spread over the run. Functions take five a second: LocalStack works one batch of a"
            " queue at a time, and one message at a time of a queue whose work must not be repeated.",
        ),
    ] = 3000,
    seconds: Annotated[
        float, typer.Option(envvar="CHAOS_SECONDS", min=10, help="Length of load and faults; what follows is waiting.")
    ] = 300,
    seed: Annotated[
        int | None, typer.Option(envvar="CHAOS_SEED", help="The same seed has the same faults; unset: a new one.")
    ] = None,
    mode: Annotated[
        Literal["native", "lambda"],
        typer.Option(envvar="MODE", help="Whether the services are processes or functions."),
    ] = "native",
    *,
    plan: Annotated[bool, typer.Option("--plan", help="Print the faults and do nothing.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the stack's directory after success too.")] = False,
) -> None:
    """Run a stack of its own under load and faults, and account for every task that was answered 200.

    Exit status 1 where one is lost, or an outcome is not as it must be.
    """
    options = Options(tasks, seconds, SystemRandom().randrange(10**6) if seed is None else seed)
    stack_class = _STACKS[mode]
    if plan:
        for fault in make_plan(options.seed, options.seconds, stack_class.targets()):
            console.print(str(fault), markup=False, soft_wrap=True)
        return
    console.print(
        f"MODE={mode} CHAOS_SEED={options.seed} CHAOS_TASKS={options.tasks} CHAOS_SECONDS={options.seconds:g}"
    )
    directory = Path(tempfile.mkdtemp(prefix="chaos-"))
    good = _run(options, stack_class, directory)
    if good and not keep:
        shutil.rmtree(directory)
    else:
        console.print(f"The stack's directory, with its logs: {directory}", soft_wrap=True)
    if not good:
        raise typer.Exit(1)


def _run(options: Options, stack_class: type[ChaosStack], directory: Path) -> bool:
    with Progress(console, options.tasks) as progress:
        result = asyncio.run(run(options, stack_class, directory, progress))
    report = reconcile(result.ledger, result.evidence, sends_once=stack_class.sends_once)
    show_report(console, report, result)
    show_problems(console, report, directory / "logs")
    return not report.problems


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command()(main)

if __name__ == "__main__":
    run_command(app)
