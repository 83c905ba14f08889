"""Where a dead message goes when it is redriven."""

from dataclasses import replace

import pytest

from services.dead_letters.destination import destination_of
from tests.unit.services.dead_letters.dead_messages import DEFINITIONS, OUTCOME, TASK, dead_message


@pytest.mark.parametrize(
    ("queue", "body", "source_queue", "destination"),
    [
        # What its last consumer said comes first.
        ("undelivered", OUTCOME, "callbacks", "callbacks"),
        ("undelivered", TASK, "data", "data"),
        ("calculation-dlq", TASK, "data", "data"),
        # It may name the DLQ from which it came: the message is to be worked again, not reported again.
        ("undelivered", TASK, "calculation-dlq", "calculation"),
        # Then the DLQ says it.
        ("calculation-dlq", TASK, None, "calculation"),
        ("callbacks-dlq", OUTCOME, None, "callbacks"),
        ("data-dlq", "garbage", None, "data"),
        # In undelivered, the kind of the message does.
        ("undelivered", OUTCOME, None, "callbacks"),
        ("undelivered", TASK, None, "calculation"),
        # A queue that is not there, or that nobody consumes, is no destination.
        ("undelivered", OUTCOME, "elsewhere", "callbacks"),
        ("undelivered", OUTCOME, "undelivered", "callbacks"),
        ("undelivered", TASK.replace("calculation", "gone"), "gone", None),
        ("undelivered", "garbage", None, None),
    ],
)
def test_a_message_goes_back_to_where_it_can_be_worked(
    queue: str, body: str, source_queue: str | None, destination: str | None
) -> None:
    attributes = {"source_queue": source_queue} if source_queue else {}
    assert destination_of(dead_message(body, queue, **attributes), DEFINITIONS) == destination


def test_a_message_of_a_queue_that_no_worker_consumes_goes_back_to_it_all_the_same() -> None:
    alerts = replace(DEFINITIONS["undelivered"], name="alerts", consumer="dlq_watcher")
    dead = dead_message("no alert", "undelivered", reason="the message is no alert", source_queue="alerts")
    assert destination_of(dead, {**DEFINITIONS, "alerts": alerts}) == "alerts"
