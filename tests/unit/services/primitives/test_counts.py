"""Counts that anybody may have written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.primitives.counts import read_count


@given(st.integers(0, 2**64 - 1))
def test_a_count_of_64_bits_is_read(count: int) -> None:
    assert read_count(str(count)) == count


@pytest.mark.parametrize("text", ["", " 1", "1\n", "-1", "+1", "1_0", "1.0", "\u0662", "\u00b2", "1" * 21, "1" * 5000])
def test_anything_else_is_none(text: str) -> None:
    assert read_count(text) is None
