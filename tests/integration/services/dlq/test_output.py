"""A command whose output cannot be written says so, and does what it was to do; what it did is said where it can be."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from tests.integration.services.conftest import Broker
from tests.integration.services.dlq.conftest import REFUSED, Commands, fill, outcome

NO_ROOM = "Standard output cannot be written: No space left on device.\n"


@pytest.fixture
def full() -> Iterator[IO[bytes]]:
    with Path("/dev/full").open("wb", buffering=0) as file:
        yield file


@pytest.fixture
def unread() -> Iterator[int]:
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"], ["show", "task-0001"]])
async def test_a_result_that_cannot_be_written_is_one_line_and_exit_code_1(
    broker: Broker, commands: Commands, full: IO[bytes], arguments: list[str]
) -> None:
    await fill(broker, "undelivered", [outcome()], REFUSED)

    done = await commands.run(*arguments, output=full)

    assert (done.exit_code, done.errors) == (1, NO_ROOM)


async def test_who_reads_no_further_is_not_complained_to(commands: Commands, unread: int) -> None:
    done = await commands.run("list", output=unread)

    assert (done.exit_code, done.errors) == (0, "")


@pytest.mark.parametrize("arguments", [[], ["--json"]])
async def test_what_was_moved_is_said_where_it_can_be(
    broker: Broker, commands: Commands, full: IO[bytes], arguments: list[str]
) -> None:
    await fill(broker, "undelivered", [outcome(1), outcome(2)], REFUSED)

    done = await commands.run("redrive", "undelivered", "--all", "--yes", *arguments, output=full)

    said = "Moved 2 messages: 2 from undelivered to callbacks."
    assert (done.exit_code, done.errors) == (1, f"{said}\n{NO_ROOM}")
    assert await broker.in_queue("undelivered") == (0, 0)


async def test_what_was_moved_is_said_beside_a_pipe_that_nobody_reads(
    broker: Broker, commands: Commands, unread: int
) -> None:
    await fill(broker, "undelivered", [outcome()], REFUSED)

    done = await commands.run("redrive", "undelivered", "--all", "--yes", output=unread)

    assert (done.exit_code, done.errors) == (0, "Moved 1 message: 1 from undelivered to callbacks.\n")


async def test_errors_that_cannot_be_written_change_no_result(
    broker: Broker, commands: Commands, full: IO[bytes]
) -> None:
    await fill(broker, "undelivered", [outcome()], REFUSED)

    listed = await commands.run("list", errors=full)
    unknown = await commands.run("show", "nobody", errors=full)

    assert (listed.exit_code, unknown.exit_code) == (0, 1)
    assert "task-0001" in listed.output
