"""The statistics that are reported."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.statistics import Spread, percentile

VALUES = st.lists(st.floats(0, 1e6), min_size=1)


def test_a_spread_is_the_median_and_what_lies_farthest_from_it() -> None:
    assert Spread.of([3, 1, 10]) == Spread(median=3, least=1, most=10)


@given(VALUES, st.floats(0, 100))
def test_a_percentile_is_a_value_that_was_seen_and_so_many_do_not_exceed(values: list[float], percent: float) -> None:
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) >= len(values) * percent / 100


def test_nothing_has_no_statistics() -> None:
    with pytest.raises(ValueError, match="no value"):
        percentile([], 50)
    with pytest.raises(ValueError, match="no repetition"):
        Spread.of([])
