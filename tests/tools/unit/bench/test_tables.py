"""The tables: what a cell says, and how a table looks in Markdown."""

import pytest

from bench.statistics import Spread
from bench.tables import number, total, with_range


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.30512, "0.305"), (12.345, "12.3"), (99.96, "100"), (1834.4, "1 834"), (2, "2")]
)
def test_a_number_has_three_significant_digits_or_all_of_its_integer(value: float, text: str) -> None:
    assert number(value) == text


def test_a_range_is_shown_where_repetitions_differ() -> None:
    assert with_range(Spread(2, 1, 3)) == "2 (1 to 3)"
    assert with_range(Spread(2, 2, 2)) == "2"


def test_one_lost_task_in_one_repetition_shows() -> None:
    assert total(Spread(median=0, least=0, most=1)) == "1"
