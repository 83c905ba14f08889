"""What is in a table is whole, however narrow the terminal."""

import io

import pytest
from rich.console import Console
from rich.live import Live

from services.streams.whole_table import WholeTable

ID = "6bc37fc0-8d01-4426-8b5e-ee67c3ee9ff8"
URL = "http://localhost:9000/callback"


def table() -> WholeTable:
    table = WholeTable("worker", "queue", "busy", "works on now", right=["busy"])
    table.columns[-1].no_wrap = False
    table.add_row("worker-calculation", "calculation", "1/50", f"{ID} (2.1s)")
    table.add_row("dlq-watcher", "calculation-dlq", "0/50", URL)
    return table


def console(width: int) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)


def printed(width: int, what: WholeTable) -> str:
    on = console(width)
    on.print(what)
    assert isinstance(on.file, io.StringIO)
    return on.file.getvalue()


@pytest.mark.parametrize("width", [36, 40, 60, 79, 80])
def test_in_a_terminal_that_is_too_narrow_each_word_is_whole_and_no_line_too_long(width: int) -> None:
    text = printed(width, table())

    assert {"worker-calculation", "calculation-dlq", "dlq-watcher", "1/50", ID, URL} <= set(text.split())
    assert all(len(line) <= width for line in text.splitlines())


def test_where_there_is_room_a_row_is_a_line() -> None:
    lines = printed(100, table()).splitlines()

    assert [line.split()[0] for line in lines] == ["worker", "worker-calculation", "dlq-watcher"]
    assert lines[0].index("works on now") == lines[1].index(ID) == lines[2].index(URL)


@pytest.mark.parametrize(("width", "lines"), [(40, 2), (30, 1)])
def test_what_may_be_cut_off_is_before_a_row_is_broken(width: int, lines: int) -> None:
    short = WholeTable("queue", "task", has_header=False)
    short.columns[1].no_wrap, short.columns[1].min_width = False, 30 if lines == 2 else 9
    short.add_row("calculation-dlq", ID)

    assert len(printed(width, short).splitlines()) == lines


def test_it_is_refreshed_in_place() -> None:
    on = console(40)
    with Live(table(), console=on, auto_refresh=False) as live:
        live.refresh()
    assert isinstance(on.file, io.StringIO)

    assert ID in on.file.getvalue()


@pytest.mark.parametrize("longest_word", range(1, 41))
def test_a_long_text_beside_a_word_takes_none_of_the_words_room(longest_word: int) -> None:
    messages = WholeTable("queue", "task", "reason")
    for column, narrowest in ((messages.columns[1], 9), (messages.columns[2], 15)):
        column.no_wrap, column.min_width = False, narrowest
    messages.add_row("calculation-dlq", ID, f"{'x' * longest_word} " * 20)

    assert ID in printed(40, messages).split()
