"""Which queues of an account are those of a task type that this stack had."""

import pytest

from services.dead_letters.unclaimed import unclaimed_types
from services.queues import define_queues
from services.task_types.loading import load_task_types

CLAIMED = define_queues(load_task_types(["services.tasks"]))


def found(*names: str, prefix: str = "") -> list[str]:
    present = {f"{prefix}{name}" for name in CLAIMED} | set(names)
    return list(unclaimed_types(present, CLAIMED, prefix))


@pytest.mark.parametrize("prefix", ["", "staging-"])
def test_a_pair_that_no_task_type_claims_is_found_and_those_that_are_claimed_are_not(prefix: str) -> None:
    assert found(f"{prefix}word-count", f"{prefix}word-count-dlq", prefix=prefix) == ["word-count"]


@pytest.mark.parametrize("left", ["word-count", "word-count-dlq"])
def test_one_queue_that_is_left_of_a_pair_is_found_where_a_prefix_says_whose_it_is(left: str) -> None:
    assert found(f"staging-{left}", prefix="staging-") == ["word-count"]
    assert found(left) == []


@pytest.mark.parametrize("prefix", ["", "prod-"])
def test_the_queues_of_another_stack_are_not_ours_although_they_begin_alike(prefix: str) -> None:
    other = [f"{prefix}eu-{name}" for name in (*CLAIMED, "word-count", "word-count-dlq")]

    assert found(*other, prefix=prefix) == []
    assert found(*other, f"{prefix}old", f"{prefix}old-dlq", prefix=prefix) == ["old"]


@pytest.mark.parametrize("name", ["Orders", "orders.fifo", "orders_v2", "x" * 49])
def test_what_no_task_type_could_be_called_is_not_ours(name: str) -> None:
    assert found(name, f"{name}-dlq") == []
