"""The locked brokers behave as docs/brokers.md says; where one does not, `make brokers` writes what it does."""

import pytest

from services.queueing.errors import MessageGoneError, SqsEntryError, error_of_message
from stack.brokers import Broker
from tests.brokers.capabilities import KEEPS, KEEPS_ROW, SHOWS, SHOWS_ROW
from tests.brokers.contents import DELETED_ROW, GIVEN_BACK, GROUP_ROW
from tests.brokers.document import DOCUMENT, cells_in
from tests.brokers.row import Row
from tests.brokers.rows import ROWS
from tests.brokers.seen import Seen
from tests.end_to_end.not_asked import KINDS, WITHOUT_GROUPS

DOCUMENTED = cells_in(DOCUMENT.read_text())


def title(row: Row) -> str:
    return row.title


@pytest.mark.parametrize("row", [row for row in ROWS if not row.is_measured], ids=title)
def test_the_broker_behaves_as_the_document_says(broker: Broker, seen: Seen, row: Row) -> None:
    assert seen[row.heading].result() == DOCUMENTED[broker.title][row.heading]


@pytest.mark.parametrize("row", [row for row in ROWS if row.is_measured], ids=title)
def test_what_says_something_of_the_machine_too_is_measured_and_not_compared(seen: Seen, row: Row) -> None:
    assert seen[row.heading].result()


def test_the_broker_can_do_what_the_stack_takes_for_granted(broker: Broker, seen: Seen) -> None:
    assert (seen[SHOWS_ROW.heading].result() == SHOWS) == broker.shows_messages
    assert (seen[KEEPS_ROW.heading].result() == KEEPS) == broker.keeps_messages


def test_of_message_groups_those_are_not_asked_that_do_not_give_them_back(broker: Broker, seen: Seen) -> None:
    assert (seen[GROUP_ROW.heading].result() != GIVEN_BACK) == KINDS[WITHOUT_GROUPS](broker)


def test_the_services_know_by_its_code_that_a_message_is_gone(seen: Seen) -> None:
    code = seen[DELETED_ROW.heading].result().rpartition(" ")[2]
    assert isinstance(error_of_message(SqsEntryError(code, "")), MessageGoneError)
