"""What was lately is remembered, in bounded memory."""

from hypothesis import given
from hypothesis import strategies as st

from services.primitives.bounded import BoundedMap

MOST = 3

entries = st.lists(st.tuples(st.integers(0, 6), st.integers()))


@given(entries)
def test_the_entries_that_were_set_last_are_kept_in_their_order_and_no_more(entries: list[tuple[int, int]]) -> None:
    remembered: BoundedMap[int, int] = BoundedMap(MOST)

    for key, value in entries:
        remembered[key] = value

    newest_first = list({key: dict(entries)[key] for key, _value in reversed(entries)}.items())
    assert list(remembered.items()) == newest_first[:MOST][::-1]


@given(entries)
def test_it_is_bounded_however_it_is_filled(entries: list[tuple[int, int]]) -> None:
    at_once, by_default = BoundedMap[int, int](MOST), BoundedMap[int, int](MOST)

    at_once.update(entries)
    for key, value in entries:
        by_default.setdefault(key, value)

    assert max(len(at_once), len(by_default)) <= MOST


def test_what_is_dropped_leaves_its_room_to_the_next() -> None:
    remembered: BoundedMap[str, int] = BoundedMap(2)
    remembered.update(a=1, b=2)

    remembered.pop("b")
    remembered["c"] = 3

    assert remembered == {"a": 1, "c": 3}


def test_ten_thousand_are_remembered_unless_said_otherwise() -> None:
    remembered: BoundedMap[int, None] = BoundedMap()

    remembered.update(dict.fromkeys(range(10_001)))

    assert (0 in remembered, 1 in remembered) == (False, True)
