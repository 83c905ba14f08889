"""`python -m services.dlq`: look at what is in the DLQs and in `undelivered`, and redrive it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from services.dead_letters.errors import DlqError, UsageError
from services.dead_letters.plan import select
from services.dead_letters.selection import Criteria
from services.dlq import list_command, redrive_command, show_command
from services.dlq.program import Program
from services.dlq.terminal import say
from services.primitives.durations import parse_age
from services.streams.standard_streams import run_command
from services.streams.whole_table import help_markup

app = typer.Typer(
    help="Look at what has failed for good, in the dead-letter queues and in `undelivered`, and redrive it."
    " Without a command: list.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=help_markup(),
)


ReasonOption = Annotated[
    str | None, typer.Option("--reason", help="Only those whose reason contains this text, in whatever case.")
]
TaskTypeOption = Annotated[str | None, typer.Option("--task-type", help="Only those of this task type.")]
OlderThanOption = Annotated[
    str | None, typer.Option("--older-than", metavar="AGE", help="Only those older than 2h, 1h30m, 3d …")
]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON.")]


@app.callback(invoke_without_command=True)
def main(context: typer.Context, *, as_json: JsonOption = False) -> None:
    """Show the list where no command is given; what is said before a command holds for it."""
    if context.invoked_subcommand is None:
        list_messages(as_json=as_json)
    else:
        context.default_map = {context.invoked_subcommand: {"as_json": as_json}}


@app.command(name="list", epilog="Example: python -m services.dlq list undelivered --reason 503")
def list_messages(  # noqa: PLR0913, PLR0917  # a command has as many options as it has
    queue: Annotated[str | None, typer.Argument(help="Only this queue.")] = None,
    reason: ReasonOption = None,
    task_type: TaskTypeOption = None,
    older_than: OlderThanOption = None,
    limit: Annotated[int | None, typer.Option(min=1, help="No more than so many, those found first.")] = None,
    as_json: JsonOption = False,  # noqa: FBT002  # an option's default
) -> None:
    """List the queues and their messages. It changes nothing: what it receives, it gives back."""
    with _errors_shown():
        criteria = _criteria(reason, task_type, older_than)
        list_command.list_messages(Program.start(), queue, criteria, limit, as_json=as_json)


@app.command(epilog="Example: python -m services.dlq show 0f004eca")
def show(
    wanted: Annotated[
        str, typer.Argument(metavar="ID", help="A task id, webhook id or SQS message id, or how it begins.")
    ],
    *,
    as_json: JsonOption = False,
) -> None:
    """Show one message with all that is known of it: why it failed, and what it holds."""
    with _errors_shown():
        show_command.show_message(Program.start(), wanted, as_json=as_json)


@app.command(epilog="Example: python -m services.dlq redrive undelivered --older-than 2h --yes")
def redrive(  # noqa: PLR0913  # a command has as many options as it has
    target: Annotated[
        str | None, typer.Argument(metavar="[ID|QUEUE]", help="One message by its id, or the queue to redrive from.")
    ] = None,
    reason: ReasonOption = None,
    task_type: TaskTypeOption = None,
    older_than: OlderThanOption = None,
    to: Annotated[str | None, typer.Option(metavar="QUEUE", help="Not to the queue each came from, but here.")] = None,
    *,
    take_all: Annotated[bool, typer.Option("--all", help="All of the queue; without a queue, of every queue.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go where.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Return messages to the queues they came from: one by its id, those that match, or all.

    Their attempts, and the schedule of their callbacks, begin anew. It can be stopped at any time and loses nothing.
    """
    with _errors_shown():
        criteria = _criteria(reason, task_type, older_than)
        program = Program.start()
        plain_target = program.plain(target) if target else None
        selection = select(plain_target, program.names, criteria, take_all=take_all)
        destination = program.queue_to_redrive_to(to) if to else None
        redrive_command.redrive_messages(program, selection, destination, dry_run=dry_run, yes=yes, as_json=as_json)


def _criteria(reason: str | None, task_type: str | None, older_than: str | None) -> Criteria:
    try:
        return Criteria(reason, task_type, None if older_than is None else parse_age(older_than))
    except ValueError as error:
        raise UsageError(f"--older-than: {error}.") from error


@contextmanager
def _errors_shown() -> Iterator[None]:
    """Turn a DlqError into its line and exit code."""
    try:
        yield
    except DlqError as error:
        say(str(error), style="bold red")
        raise typer.Exit(error.exit_code) from None


if __name__ == "__main__":
    run_command(app)
