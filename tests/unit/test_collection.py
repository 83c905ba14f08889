"""What is collected is what is run, in one process or in many."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import pytest_collection_modifyitems


def items(*nodeids: str) -> list[Any]:
    return [SimpleNamespace(nodeid=nodeid) for nodeid in nodeids]


def test_tests_that_share_an_id_are_refused_with_it() -> None:
    with pytest.raises(pytest.UsageError, match=r"shared by more than one test each: a\.py::test_a$"):
        pytest_collection_modifyitems(items("a.py::test_a", "a.py::test_a", "b.py::test_b"))


def test_tests_with_ids_of_their_own_are_collected() -> None:
    pytest_collection_modifyitems(items("a.py::test_a[1]", "a.py::test_a[2]"))
