"""The names of task types as identifiers."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.task_types.names import operation_id, pascal_case, schema_name
from services.task_types.task_type import is_task_type_name

IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")

names = st.from_regex(r"\A[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?\Z").filter(is_task_type_name)
# Few characters: names that differ in little are found often.
alike = st.text("a1-", min_size=1, max_size=6).filter(is_task_type_name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("data", "submitData"),
        ("word-count", "submitWordCount"),
        ("2", "submit2"),
        ("3d-render", "submit3dRender"),
        ("echo-2", "submitEcho_2"),
        ("echo2", "submitEcho2"),
        ("a--b", "submitA_B"),
    ],
)
def test_the_operation_is_named_after_the_task_type(name: str, expected: str) -> None:
    assert operation_id(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("word-count", "WordCountRequest"), ("3d-render", "Task3dRender_Request")]
)
def test_a_schema_is_named_after_the_task_type_and_what_it_is_of(name: str, expected: str) -> None:
    assert schema_name(name, "Request") == expected


@given(names)
def test_every_name_gives_identifiers(name: str) -> None:
    assert IDENTIFIER.fullmatch(operation_id(name))
    assert IDENTIFIER.fullmatch(schema_name(name, "Request"))


@given(alike, alike)
def test_no_two_names_give_the_same(one: str, other: str) -> None:
    assert (pascal_case(one) == pascal_case(other)) == (one == other)
    assert (schema_name(one, "Request") == schema_name(other, "Request")) == (one == other)
