"""What is collected is what is run, in one process or in many."""

from types import SimpleNamespace
from typing import Any

import pytest

from stack.config import ROOT
from tests.conftest import pytest_collection_modifyitems, unit_of


def items(*nodeids: str) -> list[Any]:
    return [SimpleNamespace(nodeid=nodeid) for nodeid in nodeids]


def test_tests_that_share_an_id_are_refused_with_it() -> None:
    with pytest.raises(pytest.UsageError, match=r"shared by more than one test each: a\.py::test_a$"):
        pytest_collection_modifyitems(items("a.py::test_a", "a.py::test_a", "b.py::test_b"))


def test_tests_with_ids_of_their_own_are_collected() -> None:
    pytest_collection_modifyitems(items("a.py::test_a[1]", "a.py::test_a[2]"))


def test_who_shares_the_stack_in_containers_stays_together() -> None:
    files = (ROOT / "tests" / "containers").glob("test_*.py")
    sharing = [f"tests/containers/{file.name}::test" for file in files if "stack: ContainerStack" in file.read_text()]

    assert len(sharing) > 1
    assert len({unit_of(nodeid) for nodeid in sharing}) == 1


def test_end_to_end_tests_share_a_stack_but_for_those_that_break_one_or_bring_up_their_own() -> None:
    names = ("callbacks", "console", "down", "faults", "function_faults", "own_task_types")
    files = (f"tests/end_to_end/{file}" for file in (f"test_{name}.py::test" for name in names))
    shared, beside, down, faults, functions, own = map(unit_of, files)

    assert shared == beside
    assert down == faults == functions
    assert len({shared, down, own}) == 3
