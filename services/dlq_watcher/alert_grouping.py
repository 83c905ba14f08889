"""Which alerts go into the next Slack message, and when: decided here without a clock, posted elsewhere.

A window begins with a message. A first few alerts in it are posted one by one; the others are held back until it is
over, and then posted as one. That message begins a window in which none goes alone, so that for as long as failures
keep coming there is one message a window; a window in which nothing came ends this.
"""

from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

AlertT = TypeVar("AlertT")

FIRST_FEW = 3
"""How many alerts of a window are posted one by one, unless somebody else gathers them."""

SECONDS_BETWEEN_MESSAGES = 1.0
"""Slack takes about one message a second for a channel (https://docs.slack.dev/apis/web-api/rate-limits)."""

LONGEST_PAUSE_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class _Span:
    """A stretch of time that begins with an event."""

    begins_at: float
    seconds: float

    def left(self, now: float) -> float:
        """Return the seconds until its end; where the clock has gone back behind its beginning, it is over too."""
        gone = now - self.begins_at
        return self.seconds - gone if 0 <= gone < self.seconds else 0


_OVER = _Span(0, 0)


class AlertGrouping(Generic[AlertT]):
    """Gathers alerts, and gives out those of the next message when it is time. `now` is in seconds of any one clock."""

    def __init__(self, window_seconds: float, *, first_few: int = FIRST_FEW) -> None:
        """`first_few`: how many alerts of a window are posted one by one."""
        self._window_seconds = window_seconds
        self._first_few = first_few
        self._window = _OVER
        self._left_to_go_alone = 0
        self._held_back = False
        self._pause = _OVER
        self._pending: deque[AlertT] = deque()
        self.is_closed = False
        """Whether what is pending waits for no window's end any more."""

    def add(self, alert: AlertT, now: float) -> None:
        """Take an alert that is to be posted."""
        self._held_back = self._held_back or self._window.left(now) > 0
        self._pending.append(alert)

    def wait_seconds(self, now: float) -> float | None:
        """Return how long it is until `take` gives something; None where there is nothing to give."""
        if not self._pending:
            return None
        if self.is_closed or self._left_to_go_alone:
            return self._pause.left(now)
        return max(self._pause.left(now), self._window.left(now))

    def take(self, now: float) -> list[AlertT]:
        """Take out what the next message is of, one alert or several; nothing where it is not time."""
        if self.wait_seconds(now) != 0:
            return []
        if self._window.left(now) == 0:
            self._begin_window(now)
        return self._take_one() if self._left_to_go_alone and not self.is_closed else self._take_all()

    def pause(self, now: float, seconds: float | None = None) -> None:
        """Begin the time without a message that follows each one, or a longer one that Slack has asked for."""
        longest = min(seconds or 0, LONGEST_PAUSE_SECONDS)
        self._pause = _Span(now, max(SECONDS_BETWEEN_MESSAGES, longest))

    def close(self) -> None:
        """Let what is pending go with the next message."""
        self.is_closed = True

    def _begin_window(self, now: float) -> None:
        self._window = _Span(now, self._window_seconds)
        self._left_to_go_alone = 0 if self._held_back else self._first_few

    def _take_one(self) -> list[AlertT]:
        self._left_to_go_alone -= 1
        alert = self._pending.popleft()
        self._held_back = bool(self._pending)
        return [alert]

    def _take_all(self) -> list[AlertT]:
        taken = list(self._pending)
        self._pending.clear()
        self._held_back = False
        return taken
