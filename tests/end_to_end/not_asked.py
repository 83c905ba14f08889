"""Which tests a broker is not asked, and why: what it cannot do, or does where others do not."""

import os
from collections.abc import Callable, Mapping

import pytest

from stack.brokers import FAUXQS, Broker, broker_of

MARK = "not_asked_of"
LINE_START = "Not asked: "

WITHOUT_GROUPS = "a broker that does not give message groups back"

KINDS: Mapping[str, Callable[[Broker], bool]] = {
    "a broker that keeps its messages": lambda broker: broker.keeps_messages,
    "a broker that does not show its messages": lambda broker: not broker.shows_messages,
    WITHOUT_GROUPS: lambda broker: broker == FAUXQS,
}
"""Of which brokers a test is not asked that is marked so. That each of them is so is tested in tests/brokers."""


def leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this broker is not asked; `lines` says it in the summary."""
    broker = broker_of(os.environ)
    left_out = {item: reasons for item in items if (reasons := [kind for kind in _kinds(item) if KINDS[kind](broker)])}
    if left_out:
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]
    note(config, [f"{LINE_START}{item.name}: it is {reasons[0]}" for item, reasons in left_out.items()])


def note(config: pytest.Config, left_out: list[str]) -> None:
    """Have `lines` say what was left out."""
    config.stash[_LEFT_OUT] = left_out


def lines(config: pytest.Config) -> list[str]:
    """What was left out, a line for each test, with the reason."""
    return config.stash.get(_LEFT_OUT, [])


_LEFT_OUT = pytest.StashKey[list[str]]()


def _kinds(item: pytest.Item) -> list[str]:
    return [kind for mark in item.iter_markers(MARK) for kind in mark.args]
