"""docs/scaling.md has a place for all that the model computes, and numbers are written for readers."""

import math

import pytest

from bench.scaling.document import DOCUMENT, REGIONS
from bench.scaling.markdown import duration, number, replace_region, table


def test_the_document_has_each_region_and_none_that_nobody_computes() -> None:
    text = DOCUMENT.read_text()
    for name in REGIONS:
        assert replace_region(text, name, "computed") != text
    assert text.count(": begin -->") == text.count(": end -->") == len(REGIONS)


def test_what_stands_around_a_region_stays() -> None:
    text = "before\n<!-- cost: begin -->\nold\n<!-- cost: end -->\nafter\n"
    assert replace_region(text, "cost", "new") == "before\n<!-- cost: begin -->\nnew\n<!-- cost: end -->\nafter\n"


def test_a_missing_region_is_named() -> None:
    with pytest.raises(ValueError, match="there is no region 'cost'"):
        replace_region("", "cost", "new")


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
