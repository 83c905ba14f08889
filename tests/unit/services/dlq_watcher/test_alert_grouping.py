"""Which alerts go into the next Slack message, and when. Times are seconds of a clock that the tests set."""

from collections import deque

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.dlq_watcher.alert_grouping import (
    FIRST_FEW,
    LONGEST_PAUSE_SECONDS,
    SECONDS_BETWEEN_MESSAGES,
    AlertGrouping,
)

WINDOW = 60


class Channel:
    """Posts promptly what is to be posted, by a clock that goes on as it is set."""

    def __init__(self, window_seconds: float = WINDOW) -> None:
        self.grouping: AlertGrouping[int] = AlertGrouping(window_seconds)
        self.now = 0.0
        self.messages: list[tuple[float, list[int]]] = []
        self._next = 0

    def raise_alerts(self, count: int = 1) -> None:
        for _ in range(count):
            self._next += 1
            self.grouping.add(self._next, self.now)
        self.go_on(0)

    def go_on(self, seconds: float) -> None:
        end = self.now + seconds
        while (wait := self.grouping.wait_seconds(self.now)) is not None and self.now + wait <= end:
            self.now += wait
            self.messages.append((self.now, self.grouping.take(self.now)))
            self.grouping.pause(self.now)
        self.now = end


@pytest.fixture
def channel() -> Channel:
    return Channel()


def test_a_first_few_alerts_go_alone_and_at_once(channel: Channel) -> None:
    for _ in range(FIRST_FEW):
        channel.raise_alerts()
        channel.go_on(10)

    assert channel.messages == [(0, [1]), (10, [2]), (20, [3])]


def test_what_comes_beyond_is_one_message_when_the_window_ends(channel: Channel) -> None:
    channel.raise_alerts(10)
    channel.go_on(30)
    channel.raise_alerts(490)
    channel.go_on(1000)

    assert channel.messages == [(0, [1]), (1, [2]), (2, [3]), (60, list(range(4, 501)))]


def test_after_a_window_in_which_nothing_came_alerts_go_alone_again(channel: Channel) -> None:
    channel.raise_alerts(10)
    channel.go_on(2 * WINDOW)
    channel.raise_alerts(2)
    channel.go_on(5)

    assert channel.messages[-2:] == [(120, [11]), (121, [12])]


def test_alerts_of_a_window_that_is_over_are_not_held_back(channel: Channel) -> None:
    channel.raise_alerts()
    channel.go_on(WINDOW)
    channel.raise_alerts()

    assert channel.messages == [(0, [1]), (60, [2])]


def test_what_waited_for_a_slow_slack_until_the_window_was_over_is_one_message() -> None:
    grouping: AlertGrouping[str] = AlertGrouping(WINDOW)
    for alert in "abc":
        grouping.add(alert, 0)
    assert grouping.take(0) == ["a"]
    grouping.add("d", 10)
    grouping.add("e", 65)

    # The first message has taken until now.
    grouping.pause(70)

    assert grouping.wait_seconds(70) == SECONDS_BETWEEN_MESSAGES
    assert grouping.take(71) == ["b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        (None, SECONDS_BETWEEN_MESSAGES),
        (0, SECONDS_BETWEEN_MESSAGES),
        (30, 30),
        (90, 90),
        (1e9, LONGEST_PAUSE_SECONDS),
    ],
)
def test_nothing_goes_before_the_time_that_slack_has_asked_for(asked: float | None, wait: float) -> None:
    grouping: AlertGrouping[str] = AlertGrouping(WINDOW)
    grouping.add("a", 0)
    assert grouping.take(0) == ["a"]
    grouping.pause(0, asked)
    grouping.add("b", 0)

    assert grouping.wait_seconds(0) == wait
    assert grouping.take(wait - 0.1) == []
    assert grouping.take(wait) == ["b"]


def test_once_closed_all_goes_with_the_next_message_which_slacks_pace_allows() -> None:
    grouping: AlertGrouping[str] = AlertGrouping(WINDOW)
    for alert in "abcdef":
        grouping.add(alert, 0)
    assert grouping.take(0) == ["a"]
    grouping.pause(0)

    grouping.close()

    assert grouping.take(0.5) == []
    assert grouping.take(1) == ["b", "c", "d", "e", "f"]


def test_a_pause_that_slack_has_asked_for_outlasts_the_window(channel: Channel) -> None:
    channel.raise_alerts(10)
    channel.go_on(30)
    channel.grouping.pause(30, 90)

    assert channel.grouping.take(WINDOW) == []
    assert channel.grouping.take(120) == list(range(4, 11))


class AlertGroupingMachine(RuleBasedStateMachine):
    """Alerts come, time goes on, Slack asks for pauses, and the clock is set."""

    def __init__(self) -> None:
        super().__init__()
        self.real = 0
        self.clock_is_ahead_by = 0
        self.set_back_by = 0
        self.added = 0
        self.pending: deque[tuple[int, int, int]] = deque()
        """Number and time of each alert, and how far the clock had been set back until then."""
        self.last_message_at = -1e9
        self.window_began_at = -1e9
        self.messages_in_window = 0

    @initialize(window=st.sampled_from([1, 2, 5, 60]), slack_is_quick=st.booleans(), clock_is_steady=st.booleans())
    def begin(self, *, window: int, slack_is_quick: bool, clock_is_steady: bool) -> None:
        self.window = window
        self.slack_is_quick = slack_is_quick
        self.clock_is_steady = clock_is_steady
        self.grouping: AlertGrouping[int] = AlertGrouping(window)

    @property
    def clock(self) -> float:
        return self.real + self.clock_is_ahead_by

    @rule(count=st.integers(1, 8))
    def alerts_come(self, count: int) -> None:
        for _ in range(count):
            self.grouping.add(self.added, self.clock)
            self.pending.append((self.added, self.real, self.set_back_by))
            self.added += 1
        self.post_what_is_due()

    @rule(seconds=st.integers(0, 100))
    def time_goes_on(self, seconds: int) -> None:
        for _ in range(seconds):
            self.real += 1
            self.post_what_is_due()

    @precondition(lambda self: not self.slack_is_quick)
    @rule(seconds=st.integers(0, 100))
    def slack_asks_for_a_pause(self, seconds: int) -> None:
        self.grouping.pause(self.clock, seconds)

    @precondition(lambda self: not self.clock_is_steady)
    @rule(seconds=st.integers(-10_000, 10_000) | st.integers(-5, 5))
    def the_clock_is_set(self, seconds: int) -> None:
        self.clock_is_ahead_by += seconds
        self.set_back_by += max(-seconds, 0)
        self.post_what_is_due()

    def post_what_is_due(self) -> None:
        while self.grouping.wait_seconds(self.clock) == 0:
            self.note_message(self.grouping.take(self.clock))
            self.grouping.pause(self.clock)

    def note_message(self, alerts: list[int]) -> None:
        """A message has at least one alert, each in its turn and once; the messages keep Slack's pace and the limit."""
        assert alerts
        for alert in alerts:
            self.check_stay()
            assert self.pending.popleft()[0] == alert
        if self.clock_is_steady:
            assert self.real - self.last_message_at >= SECONDS_BETWEEN_MESSAGES
            self.count_message()
        self.last_message_at = self.real

    def count_message(self) -> None:
        if self.real >= self.window_began_at + self.window:
            self.window_began_at, self.messages_in_window = self.real, 0
        self.messages_in_window += 1
        assert self.messages_in_window <= FIRST_FEW

    @invariant()
    def what_is_pending_is_waited_for(self) -> None:
        if self.added:
            assert (self.grouping.wait_seconds(self.clock) is None) == (not self.pending)

    @invariant()
    def nothing_stays_for_longer_than_a_window_and_slacks_pace(self) -> None:
        if self.pending:
            self.check_stay()

    def check_stay(self) -> None:
        _, came_at, set_back_before = self.pending[0]
        if self.slack_is_quick:
            excused = self.set_back_by - set_back_before
            assert self.real - came_at <= self.window + SECONDS_BETWEEN_MESSAGES + excused

    def teardown(self) -> None:
        if self.added:
            self.grouping.close()
            last = self.grouping.take(self.clock + LONGEST_PAUSE_SECONDS)
            assert last == [number for number, _, _ in self.pending]


test_grouping_keeps_its_promises = AlertGroupingMachine.TestCase
