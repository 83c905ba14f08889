"""A queue as the console shows it, sample after sample."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from services.console.queue_rows import MOST_POINTS, QueueReadings, QueueRow, kind_of, queue_readings
from services.queueing.samples import QueueSample
from services.queues import define_queues
from services.task_types.loading import load_task_types

DEFINITIONS = define_queues(load_task_types(["services.tasks"]))
NOTHING = QueueReadings()
RECEIVED = "async_tasks_queue_last_received_sent_timestamp_seconds"
EMPTY = "async_tasks_queue_last_empty_timestamp_seconds"


def row(name: str = "data") -> QueueRow:
    return QueueRow(DEFINITIONS[name])


def sample(waiting: int, *, last_empty_at: float | None = None) -> QueueSample:
    return QueueSample(100, waiting, in_flight=2, delayed=3, first_at=40, last_empty_at=last_empty_at)


def shown(answer: QueueSample | Exception, known: QueueReadings = NOTHING) -> dict[str, Any]:
    data = row()
    data.note(answer, known, now=100)
    return data.as_json()


def test_a_row_shows_what_the_queue_is_and_holds() -> None:
    answer = shown(sample(5))

    assert {name: answer[name] for name in ("name", "consumer", "kind", "dead_letter_queue", "max_attempts")} == {
        "name": "data",
        "consumer": "worker",
        "kind": "source",
        "dead_letter_queue": "data-dlq",
        "max_attempts": 1,
    }
    assert (answer["waiting"], answer["in_flight"], answer["delayed"], answer["error"]) == (5, 2, 3, None)


@pytest.mark.parametrize(
    ("name", "kind"), [("data", "source"), ("callbacks", "source"), ("data-dlq", "dlq"), ("undelivered", "other")]
)
def test_a_queue_is_a_source_a_dlq_or_another(name: str, kind: str) -> None:
    assert kind_of(DEFINITIONS[name]) == kind


def test_nothing_that_waits_has_no_age() -> None:
    answer = shown(sample(0))

    assert (answer["oldest_seconds"], answer["oldest_is_at_least"]) == (None, False)


@pytest.mark.parametrize(("name", "seconds"), [("undelivered", 60), ("data-dlq", 60), ("data", None)])
def test_what_is_only_looked_at_waits_on(name: str, seconds: float | None) -> None:
    looked_into = QueueRow(DEFINITIONS[name])

    looked_into.note(sample(0), NOTHING, now=100)

    assert looked_into.as_json()["oldest_seconds"] == seconds


@pytest.mark.parametrize(
    ("last_empty_at", "known", "seconds", "is_at_least"),
    [
        (None, QueueReadings(), 60, True),
        (None, QueueReadings(newest_received_sent_at=70), 30, False),
        (90, QueueReadings(newest_received_sent_at=70), 10, False),
        # The DLQ watcher has looked for longer than the console.
        (None, QueueReadings(last_empty_at=80), 20, False),
    ],
)
def test_the_age_is_known_by_what_was_received_and_when_the_queue_was_empty(
    last_empty_at: float | None,
    known: QueueReadings,
    seconds: float,
    is_at_least: bool,  # noqa: FBT001
) -> None:
    answer = shown(sample(1, last_empty_at=last_empty_at), known)

    assert (answer["oldest_seconds"], answer["oldest_is_at_least"]) == (seconds, is_at_least)


def test_of_several_instances_the_newest_time_counts_and_one_that_was_never_set_does_not() -> None:
    def readings(received: float, queue: str = "data") -> dict[Any, float]:
        return {(RECEIVED, frozenset({("queue", queue)})): received}

    empty = {(EMPTY, frozenset({("queue", "data")})): 55.0}

    assert queue_readings("data", [readings(70), readings(60), readings(99, "other"), empty]) == QueueReadings(70, 55)
    assert queue_readings("data", [readings(0)]) == QueueReadings(None, None)


def test_a_queue_that_does_not_answer_says_why_and_leaves_a_gap() -> None:
    data = row()
    data.note(sample(1), NOTHING, now=100)
    data.note(EndpointConnectionError(endpoint_url="http://localhost:4566"), NOTHING, now=102)
    data.note(sample(2), NOTHING, now=104)
    data.note(TimeoutError("no answer within 3 seconds"), NOTHING, now=106)

    answer = data.as_json()

    assert (answer["waiting"], answer["in_flight"], answer["oldest_seconds"]) == (None, None, None)
    assert answer["error"] == "SQS does not answer: no answer within 3 seconds"
    assert answer["history"] == {"waiting": [1, None, 2, None], "in_flight": [2, None, 2, None]}


def test_a_queue_that_is_missing_names_the_settings_to_look_at() -> None:
    missing = ClientError({"Error": {"Code": "AWS.SimpleQueueService.NonExistentQueue"}}, "GetQueueUrl")

    assert "QUEUE_NAME_PREFIX" in shown(missing)["error"]


def test_the_history_is_bounded() -> None:
    data = row()
    for waiting in range(MOST_POINTS + 5):
        data.note(sample(waiting), NOTHING, now=100)

    assert data.as_json()["history"]["waiting"] == list(range(5, MOST_POINTS + 5))
