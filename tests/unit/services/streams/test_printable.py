"""What is printed, and JSON as text."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.primitives import exact_json
from services.streams.printable import json_text


@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_that_is_printed_is_read_as_it_was(value: Any) -> None:
    text = json_text(value)

    assert json.loads(text) == value
    assert all(each.isprintable() or each == "\n" for each in text)


def test_json_keeps_numbers_to_the_digit() -> None:
    assert json_text(exact_json.loads("[0.877666663555222222,1.10]")) == "[\n  0.877666663555222222,\n  1.10\n]"
