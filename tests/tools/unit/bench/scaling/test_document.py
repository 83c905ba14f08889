"""docs/scaling.md has a place for all that the model computes, and numbers are written for readers."""

import math
from pathlib import Path

import pytest

from bench.markdown_region import replace_region
from bench.scaling.__main__ import bring_in_sync
from bench.scaling.document import DOCUMENT, REGIONS, render
from bench.scaling.markdown import duration, number, table


def test_the_document_has_each_region_and_none_that_nobody_computes() -> None:
    text = DOCUMENT.read_text()
    for name in REGIONS:
        assert replace_region(text, name, "computed") != text
    assert text.count(": begin -->") == text.count(": end -->") == len(REGIONS)


def test_a_table_has_its_numbers_to_the_right() -> None:
    assert table(["what", "much"], [["a", "**$1**"], ["b", "never"]]).splitlines() == [
        "| what | much |",
        "| --- | ---: |",
        "| a | **$1** |",
        "| b | never |",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.12345, "0.123"), (2.5, "2.5"), (12_345, "12 300"), (1_000_000, "1 000 000"), (math.inf, "never")],
)
def test_a_number_has_three_digits_that_matter(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0042, "4.2 ms"), (30, "30 s"), (90, "1.5 min"), (7200, "2 h"), (math.inf, "never")]
)
def test_a_duration_has_its_largest_unit(seconds: float, text: str) -> None:
    assert duration(seconds) == text


STALE = "<!-- cost: begin -->\nold\n<!-- cost: end -->\n"


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A document whose region is stale."""
    page = tmp_path / "scaling.md"
    page.write_text(STALE)
    return page


def rendered(text: str) -> str:
    return render(text, {"cost": lambda: "new"})


def test_the_command_computes_the_document(page: Path) -> None:
    bring_in_sync(page, rendered, check=False)
    assert page.read_text() == STALE.replace("old", "new")
    bring_in_sync(page, rendered, check=True)


def test_the_check_fails_where_the_document_is_stale_and_writes_nothing(page: Path) -> None:
    with pytest.raises(SystemExit, match="Run `make scaling`"):
        bring_in_sync(page, rendered, check=True)
    assert page.read_text() == STALE
