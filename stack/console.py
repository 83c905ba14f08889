"""Where the commands print: progress on standard output, errors on standard error."""

from collections.abc import Callable

from rich.console import Console

from stack.errors import StackError

OnProgress = Callable[[str], None]

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def say(line: str) -> None:
    """Print one line of progress, as it is."""
    console.print(line, markup=False, soft_wrap=True)


def show_error(error: StackError) -> None:
    """Print the line that says what to change, below the evidence that there is."""
    if error.evidence:
        errors.print(error.evidence.rstrip(), markup=False, soft_wrap=True, style="dim")
    errors.print(str(error), markup=False, soft_wrap=True, style="bold red")
