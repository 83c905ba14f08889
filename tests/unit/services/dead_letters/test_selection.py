"""Which messages are meant."""

import pytest

from services.dead_letters.errors import DlqError, NotOneMessageError
from services.dead_letters.selection import Criteria, has_id, sole_match, sole_matches
from tests.unit.services.dead_letters.dead_messages import OUTCOME, SENT_AT, dead_message

REFUSED = dead_message(OUTCOME, "undelivered", "aaaa-1", reason="The receiver answered 503 (busy)")
LOST = dead_message(message_id="aaaa-2")


@pytest.mark.parametrize(
    ("criteria", "matches"),
    [
        (Criteria(), True),
        (Criteria(reason="answered 503 (BUSY)"), True),
        (Criteria(reason="404"), False),
        (Criteria(task_type="calculation"), True),
        (Criteria(task_type="data"), False),
        (Criteria(older_than_seconds=100), True),
        (Criteria(older_than_seconds=101), False),
        (Criteria("503", "calculation", 50), True),
        (Criteria("503", "data", 50), False),
    ],
)
def test_a_message_matches_where_all_that_is_asked_is_true(criteria: Criteria, matches: bool) -> None:  # noqa: FBT001
    assert criteria.match(REFUSED, SENT_AT + 100) is matches


def test_criteria_that_ask_something_are_distinguished_from_none() -> None:
    assert not Criteria()
    assert Criteria(older_than_seconds=0)


def test_an_id_is_that_of_the_task_or_of_the_sqs_message_or_how_one_begins() -> None:
    assert all(has_id(LOST, wanted) for wanted in ("task-1", "aaaa-2", "task", "aaaa"))
    assert not any(has_id(LOST, wanted) for wanted in ("ask-1", "bbbb", "task-1-and-more"))


def test_what_is_too_short_to_mean_one_must_be_the_whole_id() -> None:
    assert not has_id(LOST, "tas")
    assert has_id(dead_message(message_id="m1"), "m1")


def test_the_one_meant_is_the_only_one_that_begins_so() -> None:
    assert sole_match([LOST], "aaaa") == LOST


def test_a_whole_id_means_more_than_the_beginning_of_another() -> None:
    longer = dead_message(message_id="aaaa-22")
    assert sole_match([longer, LOST], "aaaa-2") == LOST


def test_an_id_of_nothing_is_an_error_that_says_where_to_look() -> None:
    with pytest.raises(DlqError, match=r"No message has the id zzzz.*`list` shows"):
        sole_match([], "zzzz")


def test_an_id_of_several_is_an_error_that_names_them() -> None:
    with pytest.raises(DlqError, match=r"task-1 could be 2 messages.*aaaa-1 in undelivered.*aaaa-2 in calculation-dlq"):
        sole_match([REFUSED, LOST], "task-1")


def test_an_id_of_many_names_a_few() -> None:
    many = [dead_message(message_id=f"aaaa-{number}") for number in range(100)]
    with pytest.raises(DlqError, match=r"aaaa-4 in calculation-dlq .*, …$"):
        sole_match(many, "aaaa")


def test_several_ids_mean_their_messages_each_once() -> None:
    assert sole_matches([REFUSED, LOST], ["aaaa-2", "aaaa-1", "aaaa-2"]) == ([LOST, REFUSED], [])


def test_an_id_of_nothing_among_others_is_reported_and_the_others_are_found() -> None:
    meant, unclear = sole_matches([REFUSED, LOST], ["zzzz", "aaaa-2", "task-1"])

    assert meant == [LOST]
    assert [line.partition(",")[0] for line in unclear] == ["No message has the id zzzz", "task-1 could be 2 messages"]


def test_where_no_id_means_a_message_it_is_an_error() -> None:
    with pytest.raises(NotOneMessageError, match=r"zzzz.*\n.*yyyy"):
        sole_matches([LOST], ["zzzz", "yyyy"])
