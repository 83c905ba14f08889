"""The tables: what a cell says, and how a table looks in Markdown."""

import pytest

from bench.statistics import Spread
from bench.tables import Table, as_markdown, bench_tables, number, total, with_range
from tests.tools.unit.bench.records import measured, results_of


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


def test_a_table_in_markdown_has_its_numbers_at_the_right() -> None:
    table = Table("title", ["system", "rate"], [["bound", "1 834"]])
    assert list(as_markdown(table)) == ["| system | rate |", "| --- | ---: |", "| bound | 1 834 |"]


def test_a_figure_that_a_system_lacks_leaves_its_cell_empty() -> None:
    results = results_of(
        measured("worker", "a", {"requests_per_task.SendMessage": 1.0}),
        measured("worker", "b", {"requests_per_task.SendMessageBatch": 0.1}),
    )
    table = next(table for table in bench_tables(results) if "by operation" in table.title)
    assert table.columns == ["system", "SendMessage", "SendMessageBatch"]
    assert table.rows == [["a", "1", ""], ["b", "", "0.1"]]
