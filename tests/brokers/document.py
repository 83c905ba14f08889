"""docs/brokers.md: its tables are written from what was seen, its sentences are not."""

import re
from collections.abc import Iterator, Mapping

from bench.markdown_region import replace_region
from stack.brokers import BROKERS
from stack.config import ROOT
from tests.brokers.row import Row
from tests.brokers.rows import SECTIONS

DOCUMENT = ROOT / "docs" / "brokers.md"
REGION = "brokers"

AWS_COLUMN = "AWS (read in its documentation, not seen)"
NOT_AWS = "—"
"""In AWS's column, of a question that it does not have."""

_COLUMNS = ("", *(broker.title for broker in BROKERS.values()), AWS_COLUMN)
_DATE = re.compile(r"(?<=^Seen on )\d{4}-\d{2}-\d{2}", re.MULTILINE)

Cells = Mapping[str, Mapping[str, str]]
"""The text of each cell, by the title of its broker and the heading of its row."""


def written(text: str, cells: Cells, versions: str, today: str) -> str:
    """Return the document with these tables. Its date stays where nothing else has changed."""
    earlier = _DATE.search(text)
    unchanged = replaced(text, cells, versions, earlier[0] if earlier else today)
    return text if unchanged == text else replaced(text, cells, versions, today)


def replaced(text: str, cells: Cells, versions: str, date: str) -> str:
    """Return the document with these tables, seen on that date."""
    return replace_region(text, REGION, "\n".join(region(cells, versions, date)))


def region(cells: Cells, versions: str, date: str) -> Iterator[str]:
    """The lines that are written."""
    yield f"Seen on {date}, with {versions}."
    yield ""
    for section in SECTIONS:
        yield f"### {section.title}"
        yield ""
        yield line(_COLUMNS)
        yield line(["---"] * len(_COLUMNS))
        for row in section.rows:
            yield line([row.heading, *(cells[broker.title][row.heading] for broker in BROKERS.values()), aws_cell(row)])
        yield ""


def line(cells: tuple[str, ...] | list[str]) -> str:
    """Return a line of a table."""
    return f"| {' | '.join(cells)} |"


def aws_cell(row: Row) -> str:
    """What AWS writes, and where."""
    return f"[{row.aws.text}]({row.aws.url})" if row.aws else NOT_AWS


def cells_in(text: str) -> Cells:
    """Return the cells of the document's tables, by the heading of their column and that of their row."""
    cells: dict[str, dict[str, str]] = {title: {} for title in _COLUMNS[1:]}
    for row in re.findall(r"^\| (.+) \|$", text, flags=re.MULTILINE):
        heading, *others = row.split(" | ")
        if len(others) == len(cells) and heading.strip("-"):
            for title, cell in zip(cells, others, strict=True):
                cells[title][heading] = cell
    return cells
