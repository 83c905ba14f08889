"""How the demo's trials look to a person."""

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from services import exact_json
from services.dlq.render import printable
from stack.config import StackSettings
from stack.console import console, errors, show
from stack.demo import Tried
from stack.overview import console_url


def show_trials(settings: StackSettings, trials: Iterable[Tried]) -> list[Tried]:
    """Print each when it is through, and then where to look; return them."""
    done: list[Tried] = []
    with errors.status("waiting for the callbacks"):
        for tried in trials:
            _show(tried)
            done.append(tried)
    _show_where_to_look(settings, done)
    return done


def _show(tried: Tried) -> None:
    console.print()
    sign = ("✓", "bold green") if tried.passed else ("✗", "bold red")
    show(Text.assemble(sign, " ", (tried.trial.title, "bold"), (f"  {tried.task_id}", "dim")))
    show(Text(f"  shows: {tried.trial.shows}"))
    for text, passed in tried.checks:
        show(Text.assemble("  ", ("✓", "green") if passed else ("✗", "red"), f" {text}"))
    if tried.callback is not None:
        heard = Text(
            f"    {printable(exact_json.dumps(tried.callback))}", style="dim", no_wrap=True, overflow="ellipsis"
        )
        console.print(heard)


def _show_where_to_look(settings: StackSettings, done: list[Tried]) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_row("console", console_url(settings), "queues, workers, what waits in undelivered")
    table.add_row("inbox", settings.receiver_url, "what the callbacks heard, and the alerts")
    for tried in (each for each in done if each.trial.ends_undelivered):
        beginning = tried.task_id.partition("-")[0]
        table.add_row("why", f"make trace TASK={beginning}", "the story of the task that reached nobody")
        table.add_row(
            "bring it back", f'make dlq ARGS="redrive {beginning}"', "or in the console; its callback takes it now"
        )
    for tried in (each for each in done if not each.passed):
        table.add_row("not as expected", f"make trace TASK={tried.task_id}", tried.trial.title)
    console.print("\nNow look:")
    console.print(table)
