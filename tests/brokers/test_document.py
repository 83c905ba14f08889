"""docs/brokers.md is what its command writes, of the brokers that are locked; AWS's column says where it was read."""

import json
import re

import pytest

from stack.brokers import BROKERS, FAUXQS, Broker
from stack.config import ROOT
from tests.brokers.document import AWS_COLUMN, DOCUMENT, NOT_AWS, REGION, Cells, cells_in, written
from tests.brokers.row import Row
from tests.brokers.rows import ROWS
from tests.brokers.seen import DISTRIBUTIONS

TEXT = DOCUMENT.read_text()
CELLS = cells_in(TEXT)
DATE = "2000-01-01"


def of_region(pattern: str) -> str:
    """What stands in the line that says what was seen."""
    found = re.search(pattern, TEXT, re.MULTILINE)
    assert found
    return found[1]


VERSIONS = of_region(r"^Seen on [\d-]+, with (.*)\.$")


def with_another_cell(cells: Cells) -> Cells:
    """The same cells, but for one."""
    [broker, *_] = BROKERS.values()
    return {**cells, broker.title: {**cells[broker.title], ROWS[0].heading: "something else"}}


SEEN_VERSIONS = dict(each.split(" ") for each in VERSIONS.partition(";")[0].split(", "))


def locked_versions(broker: Broker) -> set[str]:
    """Those that the broker's lock has, of which an older Python has another one."""
    if broker == FAUXQS:
        lock = json.loads((ROOT / "requirements" / "fauxqs" / "package-lock.json").read_text())
        return {lock["packages"]["node_modules/fauxqs"]["version"]}
    lock_text = (ROOT / "requirements" / f"{broker.name}.txt").read_text()
    distribution = re.escape(DISTRIBUTIONS[broker])
    return set(re.findall(rf"^{distribution}(?:\[[\w-]+\])?==([\w.]+)", lock_text, re.MULTILINE))


def test_the_tables_are_as_the_command_writes_them() -> None:
    assert written(TEXT, CELLS, VERSIONS, DATE) == TEXT


def test_a_run_that_sees_the_same_leaves_the_date_as_it_was() -> None:
    once = written(TEXT, with_another_cell(CELLS), VERSIONS, DATE)
    assert written(once, with_another_cell(CELLS), VERSIONS, "2000-01-02") == once


def test_the_date_is_that_of_the_run_which_saw_something_else() -> None:
    assert f"Seen on {DATE}, with" in written(TEXT, with_another_cell(CELLS), VERSIONS, DATE)


def test_the_document_has_its_region_once() -> None:
    assert TEXT.count(f"<!-- {REGION}: begin -->") == 1


@pytest.mark.parametrize("title", [*(broker.title for broker in BROKERS.values()), AWS_COLUMN])
def test_each_row_has_a_cell_of_each_broker_and_no_other(title: str) -> None:
    assert list(CELLS[title]) == [row.heading for row in ROWS]
    assert all(cell.strip() for cell in CELLS[title].values())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.title)
def test_what_aws_writes_has_its_source(row: Row) -> None:
    cell = CELLS[AWS_COLUMN][row.heading]
    if row.aws is None:
        assert cell == NOT_AWS
    else:
        assert re.fullmatch(
            r"\[.+\]\(https://docs\.aws\.amazon\.com/AWSSimpleQueueService/latest/[\w/.-]+\.html\)", cell
        )


def test_no_two_rows_have_the_same_title() -> None:
    assert len({row.title for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("broker_seen", BROKERS.values(), ids=lambda broker: broker.name)
def test_what_was_seen_is_what_is_locked(broker_seen: Broker) -> None:
    assert SEEN_VERSIONS[broker_seen.title] in locked_versions(broker_seen)
