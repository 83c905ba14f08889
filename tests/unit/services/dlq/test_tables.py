"""How dead messages look in a terminal."""

from dataclasses import replace

import pytest
from rich.console import Console, RenderableType

from services.dead_letters.dead_message import content_of
from services.dead_letters.plan import Move
from services.dlq import tables
from services.queueing.queue import QueueState
from tests.unit.services.dead_letters.dead_messages import DEFINITIONS, OUTCOME, SENT_AT, TASK, dead_message

REFUSED = dead_message(OUTCOME, "undelivered", reason="the receiver answered 503", attempts="7")
NOW = SENT_AT + 7500


def printed(*parts: RenderableType, width: int = 200) -> str:
    console = Console(width=width, highlight=False)
    with console.capture() as capture:
        for part in parts:
            console.print(part, markup=False, soft_wrap=isinstance(part, str))
    return capture.get()


def lines(*parts: RenderableType, width: int = 200) -> list[list[str]]:
    """The cells of each line of a table."""
    return [
        [cell for cell in line.rstrip().split("  ") if cell]
        for line in printed(*parts, width=width).splitlines()
        if line
    ]


def test_a_queue_is_a_line_with_its_counts_and_where_its_messages_go_back() -> None:
    states = {"calculation-dlq": QueueState("arn", 1200, 3, 0), "undelivered": QueueState("arn", 0, 0, 0)}

    table = lines(tables.queue_table(states, DEFINITIONS))

    assert [[cell.strip() for cell in line] for line in table[1:]] == [
        ["calculation-dlq", "1,200", "3", "calculation"],
        ["undelivered", "0", "0", "the queue each came from"],
    ]


def test_a_message_is_a_line_with_its_age_attempts_and_reason() -> None:
    table = lines(tables.dead_message_table([REFUSED], NOW))

    assert [cell.strip() for cell in table[1]] == [
        "undelivered",
        "task-1",
        "calculation",
        "2h 5m",
        "7",
        "the receiver answered 503",
    ]


def test_a_message_that_is_no_task_is_named_by_its_sqs_id() -> None:
    assert "message-1" in printed(
        tables.dead_message_table([dead_message("garbage", reason="the message is no JSON")], NOW)
    )


@pytest.mark.parametrize("width", [70, 80, 100, 160])
def test_a_long_reason_of_several_lines_takes_one_line_of_the_terminal(width: int) -> None:
    dead = replace(REFUSED, task_id="6bc37fc0-8d01-4426-8b5e-ee67c3ee9ff8", reason="first\nsecond" + " and on" * 50)

    text = printed(tables.dead_message_table([dead, dead], NOW), width=width)

    assert len(text.splitlines()) == 3
    assert max(map(len, text.splitlines())) <= width
    assert text.count("6bc37fc0") == 2
    assert text.count("first second") == 2


def test_what_a_redrive_would_do_is_a_line_for_each_message() -> None:
    text = printed(tables.move_table([Move(REFUSED, "callbacks")], [dead_message("garbage", "undelivered")], NOW))

    assert "callbacks" in text.splitlines()[1]
    assert "nowhere: use --to" in text.splitlines()[2]


def test_a_message_is_shown_with_all_that_is_known_of_it() -> None:
    dead = dead_message(reason="ValueError: no", attempts="3", trace="Traceback:\n  line 1")
    text = printed(*tables.dead_message_details(dead, content_of(TASK), "calculation", NOW), width=60)

    for known in ("task-1", "calculation-dlq", "message-1", "2023-11-14T22:13:20Z (2h 5m ago)", "ValueError: no"):
        assert known in text
    assert "Traceback:\n  line 1\n" in text
    assert "http://receiver/callback" in text
    assert "dead since" in text
    # To the digit.
    assert '"num_1": 0.10' in text


def test_a_message_that_sqs_moved_is_not_said_to_be_dead_since_it_was_queued() -> None:
    text = printed(*tables.dead_message_details(dead_message(), content_of(TASK), "calculation", NOW))

    assert "dead since" not in text
    assert "queued" in text


@pytest.mark.parametrize("command", ["\x1b[2J", "\x9b31m", "\x07", "\r", "\u202e", "\ud800"])
def test_no_message_commands_the_terminal(command: str) -> None:
    dead = replace(REFUSED, task_id=command, task_type=command, reason=command, callback_url=command, trace=command)

    text = printed(
        tables.dead_message_table([dead], NOW), *tables.dead_message_details(dead, {command: command}, None, NOW)
    )

    assert command not in text
    text.encode()


def test_the_markup_of_a_reason_is_text() -> None:
    assert "[bold]no[/bold]" in printed(tables.dead_message_table([replace(REFUSED, reason="[bold]no[/bold]")], NOW))


def test_a_list_has_the_message_groups_where_there_are_some() -> None:
    grouped = dead_message(reason="it is broken", message_group_id="tenant-7")

    table = lines(tables.dead_message_table([REFUSED, grouped], NOW))

    assert [cell.strip() for cell in table[0]][-2:] == ["message group", "reason"]
    assert [[cell.strip() for cell in line][-2:] for line in table[1:]] == [
        ["—", "the receiver answered 503"],
        ["tenant-7", "it is broken"],
    ]
    assert "message group" not in printed(tables.dead_message_table([REFUSED], NOW))


def test_the_details_of_a_message_have_its_group_where_it_has_one() -> None:
    grouped = dead_message(message_group_id="tenant-7")

    assert ["message group", "tenant-7"] in [
        [cell.strip() for cell in line] for line in lines(tables.dead_message_details(grouped, {}, None, NOW)[0])
    ]
    assert "message group" not in printed(tables.dead_message_details(REFUSED, {}, None, NOW)[0])
