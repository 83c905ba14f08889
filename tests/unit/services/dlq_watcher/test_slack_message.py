"""What a person reads in Slack."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dlq_watcher.alert import Alert
from services.dlq_watcher.slack_message import LONGEST_TEXT, SlackMessage, message_of
from tests.unit.services.dlq_watcher.conftest import alert_of

MORNING = 1_795_496_400.0
"""2026-11-24 05:00:00 UTC."""


def texts_of(message: SlackMessage) -> list[str]:
    assert all((block["type"], block["text"]["type"]) == ("section", "mrkdwn") for block in message.blocks)
    return [block["text"]["text"] for block in message.blocks]


def storm(*reasons: str, **parts: Any) -> list[Alert]:
    """An alert a second, one for each reason."""
    return [
        replace(alert_of(number, reason=reason, **parts), raised_at=MORNING + number)
        for number, reason in enumerate(reasons)
    ]


def test_one_alert_is_shown_in_full() -> None:
    facts = {"Attempts": "3", "Callback": "http://receiver/?a=…&b=…"}
    message = message_of([alert_of(reason="a < b & c", facts=facts, trace="in line 1\nValueError: a < b")])

    assert message.text == "Task 1 (calculation) failed for good"
    assert texts_of(message) == [
        ":rotating_light: *Task 1 (calculation) failed for good*",
        "*Reason:* a &lt; b &amp; c",
        "*Attempts:* 3\n*Callback:* http://receiver/?a=…&amp;b=…",
        "```in line 1\nValueError: a &lt; b```",
    ]


def test_of_a_long_trace_the_end_is_shown_where_the_error_stands() -> None:
    trace = "\n".join(f"in line {number}" for number in range(300)) + "\nValueError: no"
    shown = texts_of(message_of([alert_of(trace=trace)]))[-1]

    assert shown.startswith("```…")
    assert shown.endswith("ValueError: no```")


def test_a_trace_cannot_end_its_block() -> None:
    assert texts_of(message_of([alert_of(trace="a ``` b")]))[-1] == "```a  b```"


def test_several_alerts_are_counted_by_type_and_reason_the_largest_first() -> None:
    alerts = [
        *storm("ValueError: no", origin="data"),
        *storm(*["ValueError: no"] * 3, "KeyError: <x>"),
        *storm("the receiver\nanswered 503", is_kept=True),
    ]

    headline, counts, facts = texts_of(message_of(alerts))

    assert headline == ":rotating_light: *6 alerts from 2026-11-24 05:00:00 to 2026-11-24 05:00:03 UTC*"
    assert counts.splitlines() == [
        "• *3* calculation: ValueError: no",
        "• *1* data: ValueError: no",
        "• *1* calculation: the receiver answered 503",
        "• *1* calculation: KeyError: &lt;x&gt;",
    ]
    first, last, kept, _ = facts.splitlines()
    assert (first, last) == ("*First task:* task-0", "*Last task:* task-3")
    assert kept.startswith("*Kept in undelivered:* 1; look at them with ")
    assert kept.endswith('redrive them with `make dlq ARGS="redrive undelivered --all"`')


def test_an_alert_and_a_digest_name_their_stack() -> None:
    one, other = (replace(alert, stack="staging-") for alert in storm("no", "no", is_kept=True))

    assert message_of([one]).text == f"[staging-] {one.headline}"
    digest = message_of([one, other])
    assert digest.text.startswith("[staging-] 2 alerts from ")
    assert texts_of(digest)[-1].splitlines()[2] == (
        '*Kept in undelivered:* 2; look at them with `QUEUE_NAME_PREFIX=staging- make dlq ARGS="list undelivered"`,'
        ' redrive them with `QUEUE_NAME_PREFIX=staging- make dlq ARGS="redrive undelivered --all"`'
    )


def test_the_first_and_the_last_task_are_in_the_notification_too() -> None:
    alerts = storm("no", "no", "no")

    assert message_of([alerts[2], alerts[0], alerts[1]]).text == (
        "3 alerts from 2026-11-24 05:00:00 to 2026-11-24 05:00:02 UTC, first task task-0, last task task-2"
    )


def test_alerts_without_a_task_are_counted_all_the_same() -> None:
    message = message_of(storm("no", "no", task_id=None))

    assert message.text == "2 alerts from 2026-11-24 05:00:00 to 2026-11-24 05:00:01 UTC"
    assert texts_of(message)[-1].splitlines()[0] == "*Kept in undelivered:* 0"


def test_reasons_that_differ_in_numbers_and_ids_alone_are_one_and_shown_by_the_first() -> None:
    reasons = [
        "KeyError: 'user 123' at 0x7f0c6f31",
        "KeyError: 'user 4' at 0xFF",
        "no 6bc37fc0-8d01-4426-8b5e-ee67c3ee9ff8",
        "no 7490d25d-4276-465d-a25c-25b00b9f7082",
    ]

    assert texts_of(message_of(storm(*reasons)))[1].splitlines() == [
        "• *2* calculation: KeyError: 'user 123' at 0x7f0c6f31",
        "• *2* calculation: no 6bc37fc0-8d01-4426-8b5e-ee67c3ee9ff8",
    ]


@pytest.mark.parametrize(
    ("kinds", "tail"),
    [(10, []), (11, ["• *1* for 1 other reason"]), (14, ["• *10* for 4 other reasons"])],
)
def test_the_long_tail_is_summed_up(kinds: int, tail: list[str]) -> None:
    reasons = [f"no {chr(ord('a') + kind)}" for kind in range(kinds) for _ in range(kinds - kind)]

    lines = texts_of(message_of(storm(*reasons)))[1].splitlines()

    assert lines[0] == f"• *{kinds}* calculation: no a"
    assert lines[9] == f"• *{kinds - 9}* calculation: no j"
    assert lines[10:] == tail


@pytest.mark.parametrize("count", [1, 50])
@pytest.mark.parametrize("letter", ["x", "<", "語", "&amp;"])
def test_no_text_is_longer_than_slack_takes(letter: str, count: int) -> None:
    long = letter * 6000
    facts = {"Callback": long, "Next": long, "SQS message": long, "Age": long, "Attempts": long}
    alerts = [
        alert_of(
            number, headline=long, origin=long, task_id=long, reason=f"{long[:number]}{long}", facts=facts, trace=long
        )
        for number in range(count)
    ]

    message = message_of(alerts)

    assert all(len(text) <= LONGEST_TEXT for text in (message.text, *texts_of(message)))


@given(st.lists(st.text(), min_size=1, max_size=4), st.text())
def test_no_text_can_mark_itself_up_or_is_empty(reasons: list[str], trace: str) -> None:
    message = message_of(storm(*reasons, trace=trace))

    for text in (message.text, *texts_of(message)):
        assert text
        assert "<" not in text
        assert ">" not in text
