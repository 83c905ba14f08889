"""The one task whose story is asked for, found in the logs; and what happens, as it happens."""

from typing import Any

import pytest

from services.telemetry import log_events
from stack.errors import StackError
from stack.functions.log_events import FUNCTION_ENDED
from stack.logs.line import ROTATED_AWAY, RawLine, missing_lines
from stack.stories.tail import steps_in
from stack.stories.trace import find_story
from tests.unit.stack.logs.log_lines import BEGAN, TASK, raw

OTHER = "5c000000-bdc9-49c2-80f5-d4b4a4c229e1"
BATCHES = [
    [
        raw("worker-data", log_events.DELIVERED, 2, results=1, errors=0),
        raw("worker-data", log_events.DELIVERED, 3, task_id=OTHER),
    ],
    [
        raw("api", log_events.ACCEPTED, 0, task_type="data"),
        raw("api", log_events.ACCEPTED, 1, task_type="data", task_id=OTHER),
    ],
    [RawLine("receiver", f"POST /callback?task={TASK}"), raw("api", "odd", 5, task_id=None, note=TASK)],
]


@pytest.mark.parametrize("beginning", [TASK, TASK[:8], TASK[:3]])
def test_the_beginning_of_an_id_finds_the_task_in_all_logs_in_order(beginning: str) -> None:
    story = find_story(beginning, BATCHES)

    assert story.task_id == TASK
    assert [step.line.event for step in story.steps] == [log_events.ACCEPTED, log_events.DELIVERED]


def test_a_story_knows_since_when_each_log_is_kept() -> None:
    cut = RawLine("worker-data", 'd": 1}')
    unrelated = raw("worker-data", "started", 40, task_id=None)

    story = find_story(TASK, [[raw("api", log_events.ACCEPTED, 0, task_type="data")], [cut, unrelated]])

    assert story.logs_that_begin_too_late == {"worker-data": BEGAN + 40}


def test_a_beginning_that_several_have_names_them() -> None:
    with pytest.raises(StackError, match=rf"^2 tasks begin with 5: .*{OTHER}.* Give more of the id"):
        find_story("5", BATCHES)


@pytest.mark.parametrize("unknown", ["nothing", TASK[1:], 'quote"', "\n"])
def test_a_task_that_no_log_has_is_an_error_that_says_what_to_do(unknown: str) -> None:
    with pytest.raises(StackError, match=r"^No log has a task"):
        find_story(unknown, BATCHES)


def test_no_id_is_an_error_that_says_what_to_give() -> None:
    with pytest.raises(StackError, match=r"^Say which task"):
        find_story("", BATCHES)


LIVE = [
    [
        raw("worker-data", log_events.RETURNED_FOR_RETRY, 1, reason="no"),
        raw("api", log_events.ACCEPTED, 0, task_type="data"),
    ],
    [raw("worker-data", "some detail", 2), raw("worker-data", "some trouble", 3, "error"), RawLine("api", "no JSON")],
    [raw("worker-data", log_events.DELIVERED, 4, task_id=OTHER), raw("api", "started", 4, task_id=None)],
]


def events(*, beginning: str = "", failures_only: bool = False) -> list[str]:
    return [step.line.event for step in steps_in(LIVE, beginning=beginning, failures_only=failures_only)]


def test_what_happens_to_tasks_is_shown_in_order_and_nothing_else() -> None:
    assert events() == [log_events.ACCEPTED, log_events.RETURNED_FOR_RETRY, "some trouble", log_events.DELIVERED]


@pytest.mark.parametrize("narrowed", [{"beginning": TASK}, {"failures_only": True}])
def test_where_lines_may_be_missing_is_shown_to_whoever_follows(narrowed: dict[str, Any]) -> None:
    batches = [[RawLine("worker-data", missing_lines(0))]]

    [step] = steps_in(batches, **{"beginning": "", "failures_only": False, **narrowed})

    assert (step.mark, step.text) == ("failed", ROTATED_AWAY)


def test_of_one_task_alone() -> None:
    assert events(beginning=OTHER[:4]) == [log_events.DELIVERED]


def test_a_function_that_ended_in_mid_task_is_shown_with_its_task_and_one_that_had_none_is_not() -> None:
    killed = [raw("worker-data", FUNCTION_ENDED, 1, "error", reason="signal: 9", after_seconds=60)]
    idle = [raw("api", FUNCTION_ENDED, 2, "error", task_id=None, reason="signal: 9")]

    [step] = steps_in([killed, idle], beginning="", failures_only=True)

    assert (step.line.task_id, step.line.event) == (TASK, FUNCTION_ENDED)


def test_failures_alone() -> None:
    assert events(failures_only=True) == [log_events.RETURNED_FOR_RETRY, "some trouble"]
