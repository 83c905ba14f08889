"""JSON whose numbers stay what they were."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.primitives import exact_json
from services.primitives.exact_json import MAX_DEPTH

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**50), 10**50) | st.decimals(allow_nan=False, allow_infinity=False)
    # A surrogate without its partner is allowed in JSON, as an escape.
    | st.text(st.characters(exclude_categories=())),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(values)
def test_what_is_written_is_read_again_as_it_was(value: Any) -> None:
    assert exact_json.loads(exact_json.dumps(value)) == value


@given(values)
def test_what_is_written_is_ascii_and_what_every_reader_takes(value: Any) -> None:
    text = exact_json.dumps(value)

    assert text.isascii()
    json.loads(text)


@given(values)
def test_what_is_compact_is_written_as_what_was_read(value: Any) -> None:
    text = json.dumps(value, default=str, indent=1)

    compact = exact_json.compact(text)

    assert exact_json.dumps([compact]) == exact_json.dumps([exact_json.loads(text)])
    assert compact.encoded_json == exact_json.dumps(exact_json.loads(text))


def test_what_is_no_json_is_not_compact_either() -> None:
    with pytest.raises(ValueError, match="line 1 column 2"):
        exact_json.compact("[NaN]")


@pytest.mark.parametrize("number", ["0.1", "1.10", "0.877666663555222222", "12345678901234567890123", "1E-999999999"])
def test_the_digits_of_a_number_are_kept(number: str) -> None:
    assert exact_json.dumps(exact_json.loads(f"[{number}]")) == f"[{number}]"


@pytest.mark.parametrize("number", ["1.0", "1e2", "-0.0"])
def test_a_fraction_is_a_decimal_and_no_float(number: str) -> None:
    assert isinstance(exact_json.loads(number), Decimal)


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_a_word_that_is_no_json_number_is_refused_unless_it_is_asked_for(word: str) -> None:
    with pytest.raises(ValueError, match="line 1 column 2"):
        exact_json.loads(f"[{word}]")
    assert str(exact_json.loads(word, allow_nan=True)) == str(float(word))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), Decimal("-Infinity")])
def test_a_number_that_is_no_json_is_not_written(value: object) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        exact_json.dumps([value])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "line 1 column 1"),
        ("{", "line 1 column 2"),
        ("[1,]", "line 1 column 3"),
        ("1 2", "Extra data"),
        ('"\n"', "Invalid control character"),
        (b"\xff", "JSON must be UTF-8"),
        ("[]".encode("utf-16"), "JSON must be UTF-8"),
        ("1" * 5000, "more digits than can be read"),
        ("1e" + "9" * 30, "more digits than can be read"),
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
        ("\ufeff1", "byte order mark"),
        ("\xef\xbb\xbf1", "byte order mark"),
        (b"\xef\xbb\xbf\xef\xbb\xbf1", "byte order mark"),
    ],
)
def test_what_is_no_json_is_refused_with_its_reason(text: str | bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        exact_json.loads(text)


def test_a_byte_order_mark_before_bytes_is_passed_over() -> None:
    assert exact_json.loads(b"\xef\xbb\xbf[1]") == [1]


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_the_depth_that_is_read_is_bounded_and_can_be_written(opening: str, closing: str) -> None:
    def nested(depth: int) -> str:
        return opening * depth + ("1" if opening != "[" else "") + closing * depth

    assert exact_json.dumps(exact_json.loads(nested(MAX_DEPTH))) == nested(MAX_DEPTH)
    with pytest.raises(ValueError, match="nested too deeply"):
        exact_json.loads(nested(MAX_DEPTH + 1))
    assert exact_json.loads(nested(MAX_DEPTH + 1), max_depth=MAX_DEPTH + 1)
