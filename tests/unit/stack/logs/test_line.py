"""What is read from a line of a log."""

from datetime import datetime

import pytest

from stack.logs.line import LineReader, LogLine, RawLine

# As the services, LocalStack and uvicorn write them.
ACCEPTED = (
    '{"task_id": "391b286a-8651-4b5a-94b4-e458935a695e", "task_type": "data", "event": "accepted", "level": "info",'
    ' "logger": "services.api.task_routes", "timestamp": "2026-11-24T14:04:16.237601Z"}'
)
LOCALSTACK = (
    "2026-11-24T14:04:32.279  INFO --- [et.reactor-4] localstack.request.aws     : AWS sqs.ReceiveMessage => 200"
)
UVICORN = "INFO:     Uvicorn running on http://127.0.0.1:9000 (Press CTRL+C to quit)"
AT = datetime.fromisoformat("2026-11-24T14:04:16.237601+00:00").timestamp()


def read(*lines: RawLine) -> list[LogLine]:
    return list(LineReader().read(lines))


def test_a_line_of_json_is_its_event_level_task_and_time() -> None:
    [line] = read(RawLine("api", ACCEPTED))

    assert (line.event, line.level, line.at) == ("accepted", "info", AT)
    assert line.task_id == "391b286a-8651-4b5a-94b4-e458935a695e"


def test_its_json_has_the_service_before_all_that_it_had() -> None:
    [line] = read(RawLine("api", ACCEPTED))

    assert next(iter(line.as_json())) == "service"
    assert line.as_json() == {"service": "api", **line.fields}


def test_a_line_of_localstack_has_the_time_at_its_beginning_on_this_machines_clock() -> None:
    [line] = read(RawLine("localstack", LOCALSTACK))

    assert line.at == datetime.fromisoformat("2026-11-24T14:04:32.279").astimezone().timestamp()
    assert line.as_json() == {"service": "localstack", "line": LOCALSTACK}


def test_a_line_that_has_no_time_is_as_old_as_the_one_before_it_of_its_service() -> None:
    lines = read(RawLine("api", ACCEPTED), RawLine("api", UVICORN), RawLine("receiver", UVICORN))

    assert [line.at for line in lines] == [AT, AT, 0]


def test_who_kept_the_line_knows_when_it_was_written() -> None:
    [line] = read(RawLine("receiver", UVICORN, written_at=12.5))

    assert line.at == 12.5


def test_lines_of_several_services_are_ordered_by_time_and_keep_the_order_of_each() -> None:
    reader = LineReader()
    lines = [RawLine("b", "2", 2.0), RawLine("b", "2 again", 2.0), RawLine("a", "1", 1.0), RawLine("a", "3", 3.0)]

    assert [line.text for line in reader.in_order(lines)] == ["1", "2", "2 again", "3"]


@pytest.mark.parametrize("text", ["{", "[1]", "{} trailing", '"text"', "", "{" * 100_000, '{"event": NaN'])
def test_what_is_no_json_object_is_a_line_as_it_is(text: str) -> None:
    [line] = read(RawLine("api", text))

    assert (line.text, line.fields, line.task_id, line.event) == (text, {}, None, "")


@pytest.mark.parametrize("timestamp", ["soon", "", 5, None, "9999-99-99"])
def test_a_timestamp_that_is_none_is_that_of_who_kept_the_line(timestamp: object) -> None:
    [line] = read(
        RawLine("api", f'{{"event": "x", "timestamp": {timestamp!r}}}'.replace("'", '"').replace("None", "null"), 7.0)
    )

    assert line.at == 7.0


def test_a_task_id_is_a_text() -> None:
    [line] = read(RawLine("api", '{"event": "x", "task_id": 5}'))

    assert line.task_id is None
