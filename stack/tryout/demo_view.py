"""How the demo's trials look to a person."""

from collections.abc import Iterable

from rich.text import Text

from services.primitives import exact_json
from services.streams.printable import printable
from stack.config import StackSettings
from stack.terminal import console, errors, say, show
from stack.tryout.demo import Tried


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
        heard = Text(f"    {printable(exact_json.dumps(tried.callback))}", style="dim")
        cut = console.is_terminal
        console.print(heard, no_wrap=cut, overflow="ellipsis" if cut else None, soft_wrap=not cut)


def _show_where_to_look(settings: StackSettings, done: list[Tried]) -> None:
    say("\nNow look:")
    say(f"  {settings.console_url}  the console: queues, workers, what waits in undelivered")
    say(f"  {settings.receiver_url}  the inbox: what the callbacks heard, and the alerts")
    for tried in (each for each in done if each.trial.ends_undelivered):
        beginning = tried.task_id.partition("-")[0]
        say(f"One task reached nobody: make trace TASK={beginning} says why.")
        say(f'Bring it back, there or with make dlq ARGS="redrive {beginning}": its callback takes it now.')
    for tried in (each for each in done if not each.passed):
        say(f"Not as expected: make trace TASK={tried.task_id} shows what became of: {tried.trial.title}.")
