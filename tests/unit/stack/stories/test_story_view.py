"""How a task's story looks."""

from dataclasses import replace
from datetime import datetime

from receiver.log_events import CALLBACK_RECEIVED
from services.telemetry import log_events
from stack.stories.standing import Standing
from stack.stories.step import step_of
from stack.stories.story import story_of
from stack.stories.story_view import duration_text, standing_text, step_json, step_line, story_json, story_lines
from tests.unit.stack.logs.log_lines import BEGAN, TASK, line

FAILED = line("worker-data", log_events.ATTEMPT_FAILED, 0.5, "warning", attempt=1, exception="Traceback:\nOSError: no")
STORY = story_of(
    TASK,
    [
        line("api", log_events.ACCEPTED, task_type="data", trace_id="ab" * 16),
        FAILED,
        line("worker-data", log_events.RETURNED_FOR_RETRY, 0.5, reason="OSError: no", after_seconds=5, attempt=1),
        line("worker-data", log_events.DELIVERED, 5.623, results=2, errors=0, delivery_attempts=1),
    ],
)
NOW = BEGAN + 10


def test_the_whole_timeline() -> None:
    head, began, *rest = "\n".join(text.plain for text in story_lines(STORY, NOW)).splitlines()

    assert head == f"Task {TASK} (data)"
    assert began.startswith("accepted 2026-11-24 ")
    assert rest == [
        f"trace {'ab' * 16}",
        "",
        "    +0.000 s  api          ✓ accepted: data",
        "    +0.500 s  worker-data  ✗ attempt 1 ended in an exception",
        "                Traceback:",
        "                OSError: no",
        "    +0.500 s  worker-data  ↻ attempt 1 failed: OSError: no; next attempt in 5 s",
        "              ⋮ 5.123 s",
        "    +5.623 s  worker-data  ✓ work done: 2 results, 0 errors; the callback was taken",
        "",
        "✓ Done: the callback has the outcome.",
    ]


def test_a_story_whose_beginning_is_lost_says_so() -> None:
    _head, began, *_ = story_lines(story_of(TASK, [FAILED]), NOW)

    assert began.plain.startswith("first seen in what is left of the logs ")


def test_a_task_whose_worker_is_not_in_the_logs_any_more_says_so_and_what_the_receiver_knows() -> None:
    taken = line("receiver", CALLBACK_RECEIVED, 2, attempt=1, status=200, outcome="success")
    story = story_of(TASK, [line("api", log_events.ACCEPTED, task_type="data"), taken], {"worker-data": BEGAN + 60})

    *_, verdict = story_lines(story, NOW)

    begins = datetime.fromtimestamp(BEGAN + 60).astimezone()
    assert verdict.plain.strip() == (
        "✓ Done: the receiver has taken the outcome; no other log has it. The logs do not reach back far enough "
        f"to show all: that of worker-data begins on {begins:%Y-%m-%d %H:%M:%S}; older lines were "
        "rotated away, or removed with their container."
    )


def test_what_is_in_undelivered_can_be_brought_back() -> None:
    text = standing_text(Standing("undelivered", "success", "the receiver answered 410"), TASK, NOW).plain

    assert f'make dlq ARGS="redrive {TASK}"' in text
    assert "the receiver answered 410" in text


def test_what_waits_says_until_when_and_what_should_have_happened_says_since_when() -> None:
    waits = standing_text(Standing("retrying", reason="no", due_at=NOW + 5), TASK, NOW).plain
    overdue = standing_text(Standing("retrying", reason="no", due_at=NOW - 5), TASK, NOW).plain

    assert "until " in waits
    assert "since " in overdue
    assert "`make ps`" in overdue


def test_a_task_whose_function_was_killed_says_so_and_until_when_its_message_is_hidden() -> None:
    killed = Standing("hidden", reason="Runtime exited with error: signal: 9", due_at=NOW + 2157)
    comes_back = datetime.fromtimestamp(NOW + 2157).astimezone()

    assert standing_text(killed, TASK, NOW).plain == (
        "↻ Its function ended: Runtime exited with error: signal: 9. "
        f"Its message comes back when its queue's visibility timeout is over, at {comes_back:%H:%M:%S}."
    )
    overdue = standing_text(killed, TASK, NOW + 3000).plain
    assert f"Its message was hidden until {comes_back:%H:%M:%S}; `make ps` shows who works." in overdue


def test_a_failure_shows_its_reason_and_is_no_success() -> None:
    text = standing_text(Standing("delivered", "failure", failure="OSError: no"), TASK, NOW).plain

    assert text == "✗ Failed for good, and the callback knows: OSError: no"


def test_one_step_of_any_task_is_a_line_with_the_beginning_of_its_id() -> None:
    shown = step_line(STORY.steps[0], 11).plain

    assert shown.split("  ", 1)[1] == f"{TASK[:8]}  api          ✓ accepted: data"


def test_what_is_no_known_step_shows_its_fields() -> None:
    shown = step_line(step_of(line("api", "odd", 0, "warning", cause="a b")), 3).plain

    assert shown.endswith('✗ odd  cause="a b"')


def test_the_json_of_a_story_has_its_standing_and_every_step_with_its_line() -> None:
    shown = story_json(STORY, NOW)

    assert shown["standing"] == {
        "state": "delivered",
        "is_settled": True,
        "outcome": "success",
        "reason": None,
        "failure": None,
        "next_attempt_at": None,
        "text": "✓ Done: the callback has the outcome.",
    }
    assert (shown["task_id"], shown["task_type"], shown["trace_ids"]) == (TASK, "data", ["ab" * 16])
    assert [step["since_seconds"] for step in shown["steps"]] == [0, 0.5, 0.5, 5.623]
    assert shown["steps"][1]["line"] == dict(FAILED.fields)


def test_the_json_of_a_step_has_its_time_in_utc() -> None:
    assert step_json(STORY.steps[0])["at"] == "2026-11-24T14:04:16.000000Z"


def test_durations_of_a_minute_and_more_are_shown_in_larger_units() -> None:
    assert [duration_text(seconds) for seconds in (0.1234, 59.9, 65, 7500)] == ["0.123 s", "59.900 s", "1m 5s", "2h 5m"]


def test_nothing_in_a_story_commands_the_terminal() -> None:
    bad = "\x1b[2J\x07"
    story = story_of(
        TASK, [line("api", f"odd {bad}", 0, "error", reason=bad, task_type=bad, exception=bad, trace_id=bad)]
    )

    text = "\n".join(each.plain for each in story_lines(story, NOW))

    assert all(character.isprintable() for character in text.replace("\n", ""))


def test_a_task_that_was_lost_with_the_queues_says_when_and_what_to_do() -> None:
    story = replace(story_of(TASK, [line("api", log_events.ACCEPTED, task_type="data")]), absent_since=BEGAN + 60)

    *_, verdict = story_lines(story, NOW)

    anew = datetime.fromtimestamp(BEGAN + 60).astimezone()
    assert verdict.plain.strip() == (
        "✗ Lost: LocalStack ended and kept nothing; the queues were made anew on "
        f"{anew:%Y-%m-%d %H:%M:%S}, without it. Submit it again."
    )


def test_a_task_that_is_delayed_says_until_when_and_behind_that_is_one_that_waits() -> None:
    story = story_of(TASK, [line("api", log_events.ACCEPTED, task_type="data", delay_seconds=900)])
    until = datetime.fromtimestamp(BEGAN + 900).astimezone()

    delayed, waiting = (story_json(story, BEGAN + seconds)["standing"] for seconds in (899, 901))

    assert delayed["text"] == f"· Accepted, and delayed until {until:%H:%M:%S}, as its client wanted."
    assert delayed["next_attempt_at"] == "2026-11-24T14:19:16.000000Z"
    assert "it waits, or is worked" in waiting["text"]


def test_the_story_for_programs_has_the_message_group() -> None:
    grouped = story_of(TASK, [line("api", log_events.ACCEPTED, task_type="data", message_group_id="tenant-7")])

    assert story_json(grouped, NOW)["message_group_id"] == "tenant-7"
    assert story_json(STORY, NOW)["message_group_id"] is None
