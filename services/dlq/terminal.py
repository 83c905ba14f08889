"""What the commands print on: results on standard output, all else on standard error."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

# A file or a pipe has no width to cut a table to.
_BOUNDLESS = 1_000_000


def result(renderable: RenderableType) -> None:
    """Print a result."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _BOUNDLESS
    console.print(renderable, markup=False, soft_wrap=isinstance(renderable, str))


def say(line: str, style: str | None = None) -> None:
    """Print one line beside the result, as it is."""
    Console(stderr=True, highlight=False).print(line, markup=False, soft_wrap=True, style=style)


def is_interactive() -> bool:
    """Tell whether there is a person to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


@contextmanager
def progress_bar(description: str, total: int, *, is_transient: bool = False) -> Iterator[Callable[[int], None]]:
    """Show a progress bar where a person watches; gives what advances it."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=is_transient, disable=not console.is_terminal) as progress:
        task = progress.add_task(description, total=total)
        yield lambda count: progress.advance(task, count)
