"""What the commands print on: results on standard output, all else on standard error."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.queueing.queue import QueueState
from services.streams.printable import json_text
from services.streams.standard_streams import encodable_json

# A file or a pipe has no width to cut a table to.
_BOUNDLESS = 1_000_000


def result(*parts: RenderableType) -> None:
    """Print a result, one part below the other; of a text no line is broken or cut off."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _BOUNDLESS
    for part in parts:
        sys.stdout.write(f"{part}\n") if isinstance(part, str) else console.print(part)


def json_result(value: Any) -> None:
    """Print a result as JSON."""
    result(encodable_json(json_text(value)))


def say(line: str, style: str | None = None) -> None:
    """Print one line beside the result, as it is."""
    Console(stderr=True, highlight=False).print(line, markup=False, soft_wrap=True, style=style)


def is_interactive() -> bool:
    """Return whether there is a person to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def looking(states: Mapping[str, QueueState]) -> AbstractContextManager[Callable[[int], None]]:
    """Show how far a look at all messages of these queues has come, for as long as it takes."""
    return progress_bar("Looking", sum(state.messages for state in states.values()), is_transient=True)


@contextmanager
def progress_bar(description: str, expected: int, *, is_transient: bool = False) -> Iterator[Callable[[int], None]]:
    """Show a progress bar where a person watches; gives what advances it, further than expected if need be."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=is_transient, disable=not console.is_terminal) as progress:
        bar = progress.add_task(description, total=expected)

        def advance(count: int) -> None:
            completed = progress.tasks[bar].completed + count
            progress.update(bar, completed=completed, total=max(expected, completed))

        yield advance
