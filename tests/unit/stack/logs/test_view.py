"""How a line looks to a person."""

import pytest

from stack.logs.command import as_evidence, is_served_request
from stack.logs.line import LineReader, LogLine, RawLine
from stack.logs.view import log_text, time_of_day
from tests.unit.stack.logs.log_lines import BEGAN, TASK, line, raw


def test_time_of_day_service_level_event_task_and_the_other_fields() -> None:
    shown = log_text(line("worker-data", "returned for retry", reason="no answer", after_seconds=5), 12).plain

    assert shown == (
        f"{time_of_day(BEGAN)}  worker-data   info    returned for retry  {TASK}"
        '  reason="no answer"  after_seconds=5  logger=services.x'
    )


def test_an_exception_stands_indented_below_its_line() -> None:
    shown = log_text(line("api", "failed", exception="Traceback:\n  File x\nValueError: no"), 3).plain

    assert shown.splitlines()[1:] == ["    Traceback:", "      File x", "    ValueError: no"]


def test_what_is_no_json_stands_as_it_is_behind_the_name_of_its_service() -> None:
    shown = log_text(LogLine("localstack", "Ready.", BEGAN), 10).plain

    assert shown.strip() == "localstack  Ready."


def test_nothing_in_a_line_commands_the_terminal() -> None:
    read = [
        line("api", "bad \x1b[2J", field="\x1b]0;title\x07"),
        *LineReader().read(
            [
                RawLine("api", '{"event": "x", "na\\u001bme": 1}'),
                RawLine("receiver", "GET /\x1b[31mred\x1b[0m \x9b2J\x07"),
            ]
        ),
    ]

    for each in read:
        assert all(character.isprintable() for character in log_text(each, 3).plain)


def test_a_line_break_in_a_value_breaks_no_line() -> None:
    assert "\n" not in log_text(line("api", "two\nlines", field="a\nb"), 3).plain


@pytest.mark.parametrize(
    ("text", "is_served"),
    [
        (
            "2026-11-24T14:04:32.279  INFO --- [et.reactor-4] localstack.request.aws     : AWS sqs.SendMessage => 200",
            True,
        ),
        ("2026-11-24T14:04:32.279  INFO --- [x] localstack.request.aws : AWS sqs.SendMessage => 400 (NoQueue)", False),
        # What is no API of AWS: its own, and the URL of a function.
        ("2026-11-24T14:04:32.279  INFO --- [x] localstack.request.http    : POST /_aws/sqs/messages => 200", True),
        ("2026-11-24T14:04:32.279  INFO --- [x] localstack.request.http    : GET /readyz => 200", True),
        ("2026-11-24T14:04:32.279  INFO --- [x] localstack.request.http    : GET /readyz => 503", False),
        ('127.0.0.1 - - [30/Nov/2026 13:59:04] "POST / HTTP/1.1" 200 -', True),  # of moto
        ('127.0.0.1 - - [30/Nov/2026 13:59:04] "POST / HTTP/1.1" 500 -', False),
        ("Ready.", False),
    ],
)
def test_that_a_request_was_served_is_recognized(text: str, is_served: bool) -> None:  # noqa: FBT001
    assert is_served_request(LogLine("localstack", text, 0)) is is_served


def test_the_evidence_of_an_error_is_plain_text() -> None:
    started, refused = as_evidence([[raw("api", "started"), RawLine("api", "cannot start: API_PORT")]]).splitlines()

    assert "info    started" in started
    assert refused == "cannot start: API_PORT"
