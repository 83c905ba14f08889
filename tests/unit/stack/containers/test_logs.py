"""What `docker compose logs` prints, as Compose v2 does."""

import os
import threading
from datetime import UTC, datetime

import pytest

from stack.containers.logs import gathered, parse
from stack.logs.line import RawLine

AT = datetime(2026, 11, 24, 14, 4, 16, 237601, tzinfo=UTC).timestamp()


def test_a_line_is_its_service_its_time_and_its_text() -> None:
    line = parse('api-1                 | 2026-11-24T14:04:16.237601345Z {"event": "accepted"}')

    assert line == RawLine("api", '{"event": "accepted"}', AT)


def test_further_copies_of_a_service_have_their_numbers_as_in_ps() -> None:
    assert parse("worker-calculation-2  | 2026-11-24T14:04:16.237601Z text").service == "worker-calculation-2"


def test_a_command_to_the_terminal_is_no_part_of_the_service() -> None:
    assert parse("\x1b[2Kapi-1  | 2026-11-24T14:04:16.237601Z text") == RawLine("api", "text", AT)


def test_an_empty_line_is_a_line() -> None:
    assert parse("localstack-1  | 2026-11-24T14:04:16.237601Z") == RawLine("localstack", "", AT)


def test_a_text_may_look_like_a_prefix() -> None:
    assert parse("api-1  | 2026-11-24T14:04:16.237601Z a-1 | b").text == "a-1 | b"


@pytest.mark.parametrize("text", ["api-1 exited with code 137", "no such service: x", ""])
def test_what_compose_itself_says_is_its_own(text: str) -> None:
    assert parse(text) == RawLine("compose", text)


def test_lines_that_come_together_are_given_together_and_whole() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as output:
        batches = gathered(output)
        os.write(writing, b"one\ntwo\nthr")
        assert next(batches) == ["one", "two"]
        os.write(writing, b"ee\n")
        assert next(batches) == ["three"]
        os.close(writing)
        assert list(batches) == [[]]


@pytest.mark.parametrize(
    ("written", "lines"),
    [
        (b"one\nlast words", ["one", "last words"]),
        ("one\u2028line\x85\r\n".encode(), ["one\u2028line\x85\r"]),
        ("größer\n".encode(), ["größer"]),
    ],
)
def test_a_line_ends_with_a_line_feed_or_where_the_output_ends(written: bytes, lines: list[str]) -> None:
    reading, writing = os.pipe()
    os.write(writing, written)
    os.close(writing)
    with os.fdopen(reading, "rb") as output:
        assert list(gathered(output)) == [lines]


def test_what_comes_without_a_pause_is_not_gathered_for_ever() -> None:
    reading, writing = os.pipe()
    enough = threading.Event()

    def write() -> None:
        while not enough.wait(0.02):
            os.write(writing, b"line\n")
        os.close(writing)

    thread = threading.Thread(target=write)
    thread.start()
    with os.fdopen(reading, "rb") as output:
        assert set(next(gathered(output))) == {"line"}
        enough.set()
        thread.join()
