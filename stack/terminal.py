"""Where the commands print: progress on standard output, errors on standard error."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, RenderableType
from rich.highlighter import JSONHighlighter
from rich.live import Live
from rich.text import Text

from services.streams.printable import json_text
from services.streams.standard_streams import encodable_json
from stack.errors import StackError

OnProgress = Callable[[str], None]

BOUNDLESS = 1_000_000

SELDOM_SECONDS = 5.0

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def say(line: str) -> None:
    """Print one line of progress, as it is."""
    console.print(line, markup=False, soft_wrap=True)


class Seldom:
    """Says a line of progress, unless it has said one a moment ago."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress = on_progress
        self._said_at = -SELDOM_SECONDS

    def __call__(self, line: str) -> None:
        """Say it, or not."""
        if time.monotonic() >= self._said_at + SELDOM_SECONDS:
            self._said_at = time.monotonic()
            self._on_progress(line)


def say_aside(line: str) -> None:
    """Print one line of progress beside a result that programs read."""
    errors.print(line, markup=False, soft_wrap=True)


def show(text: Text) -> None:
    """Print a line, or a few, that no terminal's width cuts."""
    console.print(text, soft_wrap=True)


def show_table(table: RenderableType) -> None:
    """Print what is as wide as the terminal; a file or a pipe has no width to cut it to."""
    # A console is never asked to be wider than it is: a wider one takes its place.
    (console if console.is_terminal else Console(highlight=False, width=BOUNDLESS)).print(table)


@contextmanager
def refreshed() -> Iterator[Callable[[RenderableType], None]]:
    """Give what shows a table in place of the one before; in a file or a pipe, below it."""
    if not console.is_terminal:
        yield show_table
        return
    try:
        with Live(console=console, auto_refresh=False) as live:
            yield lambda table: live.update(table, refresh=True)
    finally:
        # An interrupt may meet Live's very start, which hides it and is not undone by `with`.
        console.show_cursor()


def show_json(value: Any) -> None:
    """Print a value as JSON that a person can read too, its numbers to the digit."""
    console.print(
        json_view(value) if console.is_terminal else encodable_json(json_text(value)), markup=False, soft_wrap=True
    )


def write_json_line(text: str) -> None:
    """Write one line of JSON at once: who reads it may be following."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def json_view(value: Any) -> Text:
    """Indented JSON in colours."""
    return JSONHighlighter()(Text(encodable_json(json_text(value))))


def show_error(error: StackError) -> None:
    """Print the line that says what to change, below the evidence that there is."""
    if error.evidence:
        errors.print(error.evidence.rstrip(), markup=False, soft_wrap=True, style="dim")
    errors.print(str(error), markup=False, soft_wrap=True, style="bold red")
