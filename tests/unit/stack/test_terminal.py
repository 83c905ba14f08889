"""What the commands leave of a terminal."""

import io

import pytest
from rich.console import Console
from rich.text import Text

from stack import terminal

HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"


class InterruptedTerminal(io.StringIO):
    """A terminal in which Ctrl-C is pressed once, as soon as a text has been written to it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text: str | None = text

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        count = super().write(text)
        if self._text is not None and self._text in text:
            self._text = None
            raise KeyboardInterrupt
        return count


def show_two_tables() -> None:
    with terminal.refreshed() as refresh:
        refresh(Text("first table"))
        refresh(Text("second table"))


@pytest.mark.parametrize("moment", [HIDE_CURSOR, "first table", "second table"])
def test_an_interrupt_at_any_moment_leaves_the_cursor_shown(monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    screen = InterruptedTerminal(moment)
    monkeypatch.setattr(terminal, "console", Console(file=screen, force_terminal=True))

    with pytest.raises(KeyboardInterrupt):
        show_two_tables()

    shown = screen.getvalue()
    assert HIDE_CURSOR in shown
    assert shown.rindex(SHOW_CURSOR) > shown.rindex(HIDE_CURSOR)
