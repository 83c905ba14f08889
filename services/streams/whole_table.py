"""Tables of which no terminal is too narrow."""

import shutil
from collections.abc import Callable, Iterable
from typing import Literal

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.table import Column, Table
from rich.text import Text
from typing_extensions import override

_GAP = 2
_NARROWEST_HELP = 60


def help_markup() -> Literal["rich"] | None:
    """Return how typer is to show a command's help: its tables cut options' names off in a narrow terminal."""
    return "rich" if shutil.get_terminal_size().columns >= _NARROWEST_HELP else None


class WholeTable(Table):
    """A table without a box. Where the terminal is too narrow, each row goes on in the next lines, and no word is cut.

    A column that wraps needs room for its longest word, or where it may be cut off, its `min_width`.
    """

    def __init__(self, *headers: str, right: Iterable[str] = (), has_header: bool = True) -> None:
        super().__init__(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold", show_header=has_header)
        for header in headers:
            self.add_column(header, justify="right" if header in right else "left", no_wrap=True)

    @override
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self._total(_narrowest) <= options.max_width:
            yield from super().__rich_console__(console, options)
            return
        # What is a single word cannot wrap: a long text beside it is to take none of its room.
        for column in self.columns:
            column.no_wrap = column.no_wrap or _longest_word(column) == max(map(cell_len, _texts(column)))
        lines_of_a_row = -(-self._total(_longest_word) // options.max_width)
        whole = super().__rich_console__(console, options.update_width(lines_of_a_row * options.max_width))
        for row in Segment.split_lines(each for each in whole if isinstance(each, Segment)):
            yield _wrapped(row)

    def _total(self, width_of: Callable[[Column], int]) -> int:
        return sum(map(width_of, self.columns)) + _GAP * (len(self.columns) - 1)


def _wrapped(row: Iterable[Segment]) -> Text:
    text = Text(overflow="fold")
    for segment in row:
        text.append(segment.text, segment.style)
    text.rstrip()
    return text


def _texts(column: Column) -> list[str]:
    return [str(cell) for cell in (column.header, *column.cells)]


def _narrowest(column: Column) -> int:
    return _longest_word(column) if column.min_width is None else column.min_width


def _longest_word(column: Column) -> int:
    texts = _texts(column)
    parts = texts if column.no_wrap else [word for text in texts for word in text.split()]
    return max(map(cell_len, parts), default=0)
