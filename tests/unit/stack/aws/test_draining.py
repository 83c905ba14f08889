"""When queues are empty for good, and when nobody works what is in them."""

import pytest

from stack.aws.draining import Draining


@pytest.mark.parametrize(
    ("looks", "verdict"),
    [
        ([(0, 0)], "draining"),
        ([(0, 0), (0, 9)], "draining"),
        ([(0, 0), (0, 10)], "empty"),
        # One more has come meanwhile, so that the time begins anew.
        ([(0, 0), (1, 9), (0, 10), (0, 19)], "draining"),
        ([(0, 0), (1, 9), (0, 10), (0, 20)], "empty"),
        ([(7, 0), (0, 25), (0, 35)], "empty"),
    ],
)
def test_queues_are_empty_when_they_were_so_for_a_while(looks: list[tuple[int, float]], verdict: str) -> None:
    draining = Draining(quiet_seconds=10, patience_seconds=30)

    assert [draining.look(messages, now) for messages, now in looks][-1] == verdict


@pytest.mark.parametrize(
    ("looks", "verdict"),
    [
        ([(5, 0), (5, 29)], "draining"),
        ([(5, 0), (5, 30)], "stuck"),
        ([(5, 0), (4, 29), (4, 58)], "draining"),
        # They go to and fro, and become no fewer.
        ([(5, 0), (4, 10), (5, 20), (4, 40)], "stuck"),
        ([(0, 0), (1, 5), (1, 35)], "stuck"),
    ],
)
def test_messages_are_stuck_where_they_become_no_fewer(looks: list[tuple[int, float]], verdict: str) -> None:
    draining = Draining(quiet_seconds=10, patience_seconds=30)

    assert [draining.look(messages, now) for messages, now in looks][-1] == verdict
