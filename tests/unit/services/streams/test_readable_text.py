"""Text is written in any encoding: for people so that it can be read, for programs so that JSON keeps its values."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.streams.readable_text import JSON_ESCAPES, READABLE


def test_what_an_encoding_lacks_is_written_by_what_looks_alike() -> None:
    assert "✓ ≥ 3 s … — done".encode("ascii", READABLE) == b"+ >= 3 s ... - done"


def test_what_looks_like_nothing_is_written_as_an_escape() -> None:
    assert "Zoë 😀".encode("ascii", READABLE) == rb"Zo\u00eb \ud83d\ude00"


def test_what_an_encoding_has_stays() -> None:
    assert "Zoë …".encode("latin-1", READABLE) == b"Zo\xeb ..."


def test_an_error_that_is_none_of_encoding_stays_one() -> None:
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("ascii", READABLE)


@given(st.text())
def test_json_keeps_its_values(text: str) -> None:
    written = json.dumps(text, ensure_ascii=False).encode("ascii", JSON_ESCAPES)

    assert json.loads(written) == text
