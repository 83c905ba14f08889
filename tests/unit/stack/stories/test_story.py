"""What a task's log lines mean, and how the task stands after them."""

from dataclasses import replace
from typing import Any

import pytest

from receiver.log_events import CALLBACK_RECEIVED
from services.telemetry import log_events
from stack.functions.log_events import FUNCTION_ENDED
from stack.logs.line import LogLine
from stack.stories.standing import Standing
from stack.stories.step import READERS, step_of
from stack.stories.story import story_of
from tests.unit.stack.logs.log_lines import BEGAN, TASK, line

GONE = "the receiver answered 410"
SIGNAL_9 = "Runtime exited with error: signal: 9"


def killed(service: str, queue: str) -> LogLine:
    """What the log of a function says of a task that it had when it was killed."""
    return line(service, FUNCTION_ENDED, 2, "error", reason=f"Error: {SIGNAL_9}", queue=queue, after_seconds=2157)


ACCEPTED = line("api", log_events.ACCEPTED, task_type="data")
WORKER_FAILED = line(
    "worker-data", log_events.ATTEMPT_FAILED, 1, "warning", attempt=1, exception="Traceback\nOSError: no"
)
RETURNED = line("worker-data", log_events.RETURNED_FOR_RETRY, 1, reason="OSError: no", after_seconds=5, attempt=1)
GIVEN_UP = line("worker-data", log_events.DEAD_LETTERED, 2, "error", reason="OSError: no", attempts=3)
DELIVERED = line("worker-data", log_events.DELIVERED, 3, results=2, errors=1, delivery_attempts=1)
NOT_YET = line(
    "worker-data",
    log_events.NOT_DELIVERED_YET,
    3,
    "warning",
    results=1,
    errors=0,
    reason="503",
    delivery_attempts=3,
    after_seconds=900,
)
REFUSED_AGAIN = line("worker-callbacks", log_events.RETURNED_FOR_RETRY, 4, reason="503", after_seconds=10, attempt=1)
DELIVERED_LATE = line("worker-callbacks", log_events.DELIVERED, 5, attempt=2)
EXHAUSTED = line("worker-callbacks", log_events.DEAD_LETTERED, 6, "error", reason="503 each time", attempts=7)
REJECTED = line("worker-data", log_events.DELIVERY_GIVEN_UP, 3, "error", reason=GONE, results=1, errors=0)
REPORTED = line("dlq-watcher", log_events.DELIVERED, 7, delivery_attempts=1)
REPORT_NOT_TAKEN = line("dlq-watcher", log_events.NOT_DELIVERED_YET, 7, "warning", reason="503", delivery_attempts=3)
KEPT = line("dlq-watcher", log_events.DEAD_LETTERED, 8, "error", reason=GONE, attempts=1)
TAKEN = line("receiver", CALLBACK_RECEIVED, 2, attempt=1, status=200, outcome="success")
REFUSED = line("receiver", CALLBACK_RECEIVED, 2, attempt=1, status=503, outcome="success")
HEARD_FAILURE = line("receiver", CALLBACK_RECEIVED, 7, attempt=2, status=200, outcome="failure")
DROPPED = line("worker-data", log_events.DROPPED, 6, "warning", reason="no sign of life")
LOST_ALERTED = line(
    "dlq-watcher", log_events.ALERT_POSTED, 8, "warning", headline="Task failed for good", reason="worker lost"
)
GONE_BEFORE_DELETED = line("dlq-watcher", log_events.GONE_BEFORE_DELETED, 9, error="NonExistentQueue")
KILLED = killed("worker-data", "data")
SENDER_LEFT = line("receiver", CALLBACK_RECEIVED, 1, attempt=1, fault="left", outcome="success")
ALERTED = line("alerts", LOST_ALERTED.event, 9, "warning", queue="alerts", reason="worker lost")
DELAYED = line("api", log_events.ACCEPTED, task_type="data", message_group_id="tenant-7", delay_seconds=900)
ALERT_WAITS = line(
    "alerts", log_events.RETURNED_FOR_RETRY, 9, queue="alerts", reason="Slack did not take the alert", after_seconds=5
)
ALERT_OF_WATCHER_WAITS = line(
    "dlq-watcher", log_events.RETURNED_FOR_RETRY, 9, queue="x-alerts", reason="Slack refused", after_seconds=5
)


def standing_after(*lines: LogLine) -> Standing:
    return story_of(TASK, lines).standing


@pytest.mark.parametrize(
    ("lines", "standing"),
    [
        ([ACCEPTED], Standing("queued")),
        ([DELAYED], Standing("queued", due_at=BEGAN + 900)),
        ([DELAYED, WORKER_FAILED], Standing("at work")),
        ([DELAYED, DELIVERED], Standing("delivered", "success")),
        ([DELAYED, REFUSED], Standing("delivering", "success", "the receiver answered 503", is_by_receiver_alone=True)),
        ([line("api", log_events.NOT_QUEUED, cause="timeout")], Standing("not queued", reason="timeout")),
        ([ACCEPTED, RETURNED], Standing("retrying", reason="OSError: no", due_at=BEGAN + 6)),
        ([ACCEPTED, RETURNED, DELIVERED], Standing("delivered", "success")),
        ([ACCEPTED, NOT_YET], Standing("delivering", "success", "503", due_at=BEGAN + 903)),
        # A worker may be faster than the API's own line.
        (
            [NOT_YET, line("api", log_events.ACCEPTED, 3.001)],
            Standing("delivering", "success", "503", due_at=BEGAN + 903),
        ),
        ([DELIVERED, ACCEPTED], Standing("delivered", "success")),
        ([TAKEN, ACCEPTED], Standing("delivered", "success", is_by_receiver_alone=True)),
        ([REJECTED, KEPT, ACCEPTED], Standing("undelivered", "success", GONE)),
        (
            [line("api", log_events.NOT_QUEUED, cause="timeout"), line("api", log_events.ACCEPTED, 1)],
            Standing("queued"),
        ),
        (
            [line("api", log_events.NOT_QUEUED, cause="timeout"), DELIVERED, ACCEPTED],
            Standing("delivered", "success"),
        ),
        ([ACCEPTED, NOT_YET, REFUSED_AGAIN], Standing("delivering", "success", "503", due_at=BEGAN + 14)),
        ([ACCEPTED, NOT_YET, REFUSED_AGAIN, DELIVERED_LATE], Standing("delivered", "success")),
        ([ACCEPTED, NOT_YET, EXHAUSTED], Standing("dead", "success", "503 each time")),
        ([ACCEPTED, REJECTED], Standing("dead", "success", GONE)),
        ([ACCEPTED, REJECTED, KEPT], Standing("undelivered", "success", GONE)),
        (
            [ACCEPTED, REJECTED, KEPT, line("worker-callbacks", log_events.DELIVERED, 99)],
            Standing("delivered", "success"),
        ),
        ([ACCEPTED, DROPPED], Standing("retrying", reason="no sign of life")),
        ([ACCEPTED, REPORTED, line("worker-data", DROPPED.event, 9)], Standing("delivered", "failure")),
        (
            [ACCEPTED, TAKEN, HEARD_FAILURE, REPORTED, LOST_ALERTED, line("worker-data", log_events.DELIVERED, 9)],
            Standing("delivered", "failure", failure="worker lost"),
        ),
        # Two outcomes were heard: what counts is the last, whoever wrote his line last.
        ([ACCEPTED, TAKEN, DELIVERED, HEARD_FAILURE, REPORTED], Standing("delivered", "failure")),
        (
            [ACCEPTED, TAKEN, HEARD_FAILURE, REPORTED, line("worker-data", log_events.DELIVERED, 9)],
            Standing("delivered", "failure"),
        ),
        (
            [
                ACCEPTED,
                REPORTED,
                LOST_ALERTED,
                line("receiver", CALLBACK_RECEIVED, 9, attempt=3, status=200, outcome="success"),
            ],
            Standing("delivered", "success"),
        ),
        ([ACCEPTED, GIVEN_UP], Standing("dead", "failure", "OSError: no", "OSError: no")),
        ([ACCEPTED, GIVEN_UP, REPORTED], Standing("delivered", "failure", failure="OSError: no")),
        (
            [ACCEPTED, GIVEN_UP, REPORT_NOT_TAKEN, REFUSED_AGAIN],
            Standing("delivering", "failure", "503", "OSError: no", BEGAN + 14),
        ),
        ([ACCEPTED, REPORTED, LOST_ALERTED], Standing("delivered", "failure", failure="worker lost")),
        ([ACCEPTED, WORKER_FAILED], Standing("at work")),
        # A function that is killed has said nothing: SQS gives the message again when its visibility timeout is over.
        ([ACCEPTED, KILLED], Standing("hidden", reason=SIGNAL_9, due_at=BEGAN + 2158)),
        ([ACCEPTED, WORKER_FAILED, KILLED], Standing("hidden", reason=SIGNAL_9, due_at=BEGAN + 2159)),
        ([ACCEPTED, SENDER_LEFT, KILLED], Standing("hidden", reason=SIGNAL_9, due_at=BEGAN + 2159)),
        ([ACCEPTED, KILLED, SENDER_LEFT], Standing("hidden", reason=SIGNAL_9, due_at=BEGAN + 2158)),
        ([ACCEPTED, KILLED, WORKER_FAILED], Standing("at work")),
        ([ACCEPTED, KILLED, DELIVERED], Standing("delivered", "success")),
        ([ACCEPTED, KILLED, REPORTED, ALERTED], Standing("delivered", "failure", failure="worker lost")),
        ([ACCEPTED, DELIVERED, KILLED], Standing("delivered", "success")),
        (
            [ACCEPTED, NOT_YET, killed("worker-callbacks", "callbacks")],
            Standing("delivering", "success", f"the function ended: {SIGNAL_9}", due_at=BEGAN + 2159),
        ),
        (
            [ACCEPTED, GIVEN_UP, killed("dlq-watcher", "data-dlq")],
            Standing("dead", "failure", "OSError: no", "OSError: no", BEGAN + 2159),
        ),
        # An alert goes its own way: that it waits says nothing of its task.
        ([ACCEPTED, REPORTED, ALERT_WAITS], Standing("delivered", "failure")),
        ([ACCEPTED, REPORTED, ALERT_OF_WATCHER_WAITS], Standing("delivered", "failure")),
        ([ACCEPTED, REPORTED, ALERT_WAITS, ALERTED], Standing("delivered", "failure", failure="worker lost")),
        (
            [ACCEPTED, REPORTED, killed("alerts", "alerts")],
            Standing("delivered", "failure"),
        ),
        ([ACCEPTED, REJECTED, KEPT, ALERT_WAITS], Standing("undelivered", "success", GONE)),
        ([LOST_ALERTED], Standing("unknown")),
        # What the receiver says counts where the logs of the others do not go back as far.
        ([ACCEPTED, TAKEN], Standing("delivered", "success", is_by_receiver_alone=True)),
        ([ACCEPTED, TAKEN, DELIVERED], Standing("delivered", "success")),
        ([ACCEPTED, DELIVERED, TAKEN], Standing("delivered", "success")),
        ([ACCEPTED, TAKEN, NOT_YET], Standing("delivering", "success", "503", due_at=BEGAN + 903)),
        (
            [ACCEPTED, REFUSED],
            Standing("delivering", "success", "the receiver answered 503", is_by_receiver_alone=True),
        ),
        (
            [ACCEPTED, SENDER_LEFT],
            Standing("delivering", "success", "its sender left before the answer", is_by_receiver_alone=True),
        ),
        ([ACCEPTED, NOT_YET, REFUSED], Standing("delivering", "success", "503", due_at=BEGAN + 901)),
        ([ACCEPTED, REJECTED, KEPT, TAKEN], Standing("delivered", "success", is_by_receiver_alone=True)),
    ],
)
def test_how_a_task_stands(lines: list[LogLine], standing: Standing) -> None:
    # In whatever order the lines of several services are read.
    ordered = [LogLine(each.service, each.text, BEGAN + at, each.fields) for at, each in enumerate(lines)]
    due = {} if standing.due_at is None else {"due_at": standing_after(*ordered).due_at}

    assert standing_after(*reversed(ordered)) == Standing(**{**vars(standing), **due})


@pytest.mark.parametrize(
    ("lines", "logs"),
    [
        ([ACCEPTED], {"worker-data", "worker-data-2"}),
        ([ACCEPTED, RETURNED], {"worker-data-2"}),
        ([ACCEPTED, KILLED], {"worker-data-2"}),
        ([ACCEPTED, NOT_YET], {"worker-callbacks"}),
        ([ACCEPTED, GIVEN_UP], {"dlq-watcher"}),
        ([ACCEPTED, TAKEN], {"worker-data", "worker-data-2", "worker-callbacks", "dlq-watcher"}),
        ([ACCEPTED, DELIVERED], set()),
        ([KEPT], set()),
    ],
)
def test_the_logs_that_would_say_more_and_begin_too_late_are_known(lines: list[LogLine], logs: set[str]) -> None:
    begin = {"api": 0.0, "worker-calculation": 0.0, "worker-data": 0.5, "worker-callbacks": 99.0}
    later = {**begin, "worker-data-2": 99.0, "dlq-watcher": 99.0}
    begin_at = {service: BEGAN + at for service, at in later.items()}

    assert story_of(TASK, lines, begin_at).logs_that_begin_too_late.keys() == logs


def test_the_next_attempt_is_due_so_long_after_the_line_as_it_says() -> None:
    assert standing_after(ACCEPTED, RETURNED).due_at == BEGAN + 1 + 5


@pytest.mark.parametrize(
    ("state_lines", "is_settled"),
    [
        ([ACCEPTED], False),
        ([ACCEPTED, NOT_YET], False),
        ([ACCEPTED, GIVEN_UP], False),
        ([DELIVERED], True),
        ([KEPT], True),
    ],
)
def test_a_task_is_settled_when_nothing_more_happens_by_itself(state_lines: list[LogLine], is_settled: bool) -> None:  # noqa: FBT001
    assert standing_after(*state_lines).is_settled is is_settled


@pytest.mark.parametrize(
    ("last", "state"),
    [
        (GONE_BEFORE_DELETED, "lost"),
        (line("worker-data", log_events.NOT_SETTLED, 9, "error"), "lost"),
        (line("worker-data", log_events.NOT_RETURNED, 9, "warning"), "lost"),
        (line("worker-data", log_events.DROPPED, 9, "warning", reason="no sign of life"), "lost"),
        (ALERTED, "lost"),
        (ALERT_WAITS, "lost"),
        (line("dlq-watcher", log_events.ALERT_LOGGED, 9, "warning"), "lost"),
        (line("dlq-watcher", log_events.ALERT_REFUSED, 9, "warning", refusal="HTTP 503"), "lost"),
        (line("worker-callbacks", log_events.RETURNED_FOR_RETRY, 9, reason="503"), "delivering"),
        (line("worker-callbacks", log_events.DELIVERED, 9), "delivered"),
        (line("dlq-watcher", log_events.DELIVERED, 9), "delivered"),
    ],
)
def test_what_is_not_in_the_queues_since_they_were_made_is_lost_though_its_last_words_came_later(
    last: LogLine, state: str
) -> None:
    story = story_of(TASK, [ACCEPTED, REJECTED, KEPT, last])

    assert replace(story, absent_since=BEGAN + 8.5).standing.state == state


def test_a_task_that_was_worked_on_while_its_queue_was_made_anew_is_lost_once_its_message_is_not_found() -> None:
    returned = line("worker-data", log_events.RETURNED_FOR_RETRY, 9, reason="no", after_seconds=5)
    not_found = line("worker-data", log_events.NOT_RETURNED, 10, "warning")

    working = replace(story_of(TASK, [ACCEPTED, returned]), absent_since=BEGAN + 8)
    lost = replace(story_of(TASK, [ACCEPTED, returned, not_found]), absent_since=BEGAN + 8)

    assert (working.standing.state, lost.standing.state) == ("retrying", "lost")


def test_a_task_whose_message_somebody_has_deleted_since_its_queue_was_made_is_not_lost_by_that() -> None:
    accepted = line("api", log_events.ACCEPTED, 1, task_type="data")
    not_found = line("worker-data", log_events.NOT_RETURNED, 3, "warning")

    story = replace(story_of(TASK, [accepted, not_found]), absent_since=BEGAN)

    assert story.standing.state == "at work"


def test_an_accepted_task_that_is_repeated_by_its_idempotency_key_begins_anew() -> None:
    again = line("api", log_events.ACCEPTED, 60, task_type="data")

    assert standing_after(ACCEPTED, GIVEN_UP, REPORTED, again) == Standing("queued")


@pytest.mark.parametrize(
    ("read", "mark", "text"),
    [
        (ACCEPTED, "done", "accepted: data"),
        (WORKER_FAILED, "failed", "attempt 1 ended in an exception"),
        (RETURNED, "retry", "attempt 1 failed: OSError: no; next attempt in 5 s"),
        (GIVEN_UP, "failed", "given up after 3 attempts: OSError: no"),
        (DELIVERED, "done", "work done: 2 results, 1 error; the callback was taken"),
        (REFUSED_AGAIN, "retry", "the callback was not taken: 503; next attempt in 10 s"),
        (REJECTED, "failed", f"work done: 1 result, 0 errors; the callback will not be tried again: {GONE}"),
        (REPORTED, "done", "reported as failed; the callback was taken"),
        (KEPT, "failed", f"kept in undelivered: {GONE}"),
        (LOST_ALERTED, "note", "alert raised: Task failed for good"),
        (DROPPED, "retry", "dropped, and not delivered: no sign of life"),
        (GONE_BEFORE_DELETED, "note", "its message was gone before it was deleted"),
        (
            KILLED,
            "failed",
            f"the function ended while it had the task: {SIGNAL_9}; SQS gives it again in 35m 57s",
        ),
        (ALERT_WAITS, "retry", "the alert waits: Slack did not take the alert; next attempt in 5 s"),
        (ALERT_OF_WATCHER_WAITS, "retry", "the alert waits: Slack refused; next attempt in 5 s"),
        (
            line("receiver", CALLBACK_RECEIVED, attempt=2, status=503, outcome="success"),
            "retry",
            "callback received: success, delivery 2, answered 503",
        ),
        (
            line("receiver", CALLBACK_RECEIVED, attempt=1, status=204, outcome="failure"),
            "done",
            "callback received: failure, delivery 1, answered 204",
        ),
        (
            line("receiver", CALLBACK_RECEIVED, attempt=1, fault="hang", outcome=None),
            "retry",
            "callback received: no outcome, delivery 1; the answer never became whole (hang)",
        ),
        (SENDER_LEFT, "retry", "callback received: success, delivery 1; its sender left before the answer"),
    ],
)
def test_what_a_line_says(read: LogLine, mark: str, text: str) -> None:
    step = step_of(read)

    assert (step.mark, step.text, step.is_known) == (mark, text, True)
    assert step.is_failure == (mark in {"failed", "retry"})


@pytest.mark.parametrize(
    ("level", "mark"), [("debug", "note"), ("info", "note"), ("warning", "failed"), ("error", "failed")]
)
def test_a_line_of_any_other_event_says_what_it_says_and_how_loudly(level: str, mark: str) -> None:
    step = step_of(line("api", "something else", 0, level))

    assert (step.text, step.mark, step.is_known) == ("something else", mark, False)


@pytest.mark.parametrize("event", READERS)
@pytest.mark.parametrize("service", ["api", "worker-data", "worker-callbacks-2", "dlq-watcher", "alerts", "receiver"])
def test_no_line_is_too_poor_to_be_read(event: str, service: str) -> None:
    story = story_of(TASK, [line(service, event)])

    assert story.steps[0].text
    assert story.standing.state


def test_a_story_has_the_lines_of_its_task_alone_its_type_and_its_traces() -> None:
    other: Any = {"task_id": "another"}
    story = story_of(
        TASK,
        [
            line("api", log_events.ACCEPTED, task_type="data", trace_id="ab" * 16),
            line("api", log_events.ACCEPTED, **other),
            DELIVERED,
        ],
    )

    assert len(story.steps) == 2
    assert (story.task_type, story.trace_ids, story.was_accepted) == ("data", ["ab" * 16], True)


def test_a_story_has_the_message_group_that_any_line_names() -> None:
    assert story_of(TASK, [ACCEPTED, DELIVERED]).message_group_id is None
    assert story_of(TASK, [DELAYED, DELIVERED]).message_group_id == "tenant-7"


def test_an_acceptance_says_the_group_and_the_delay_where_there_are_some() -> None:
    assert step_of(ACCEPTED).text == "accepted: data"
    assert step_of(DELAYED).text == "accepted: data of the message group tenant-7, delayed by 15m"
