"""What a redrive is to take."""

import pytest

from services.dead_letters.errors import UsageError
from services.dead_letters.plan import Selection, select
from services.dead_letters.selection import Criteria

NAMES = ["calculation-dlq", "undelivered"]
BUSY = Criteria(reason="503")


@pytest.mark.parametrize(
    ("target", "criteria", "take_all", "selection"),
    [
        ("6bc37fc0", Criteria(), False, Selection(NAMES, ["6bc37fc0"], Criteria())),
        ("undelivered", Criteria(), True, Selection(["undelivered"], [], Criteria())),
        ("undelivered", BUSY, False, Selection(["undelivered"], [], BUSY)),
        (None, BUSY, False, Selection(NAMES, [], BUSY)),
        (None, Criteria(), True, Selection(NAMES, [], Criteria())),
    ],
)
def test_one_is_taken_or_those_that_match_or_all(
    target: str | None,
    criteria: Criteria,
    take_all: bool,  # noqa: FBT001
    selection: Selection,
) -> None:
    assert select(target, NAMES, criteria, take_all=take_all) == selection


@pytest.mark.parametrize(
    ("target", "criteria", "take_all", "says"),
    [
        (None, Criteria(), False, "Say what to redrive"),
        ("undelivered", Criteria(), False, "Say what to redrive"),
        ("undelivered", BUSY, True, "--all takes every message"),
        ("calculation", Criteria(), True, "There is no queue calculation .* there are calculation-dlq, undelivered"),
        ("6bc37fc0", BUSY, False, "There is no queue 6bc37fc0"),
    ],
)
def test_what_says_nothing_or_two_things_at_once_is_refused(
    target: str | None,
    criteria: Criteria,
    take_all: bool,  # noqa: FBT001
    says: str,
) -> None:
    with pytest.raises(UsageError, match=says):
        select(target, NAMES, criteria, take_all=take_all)
