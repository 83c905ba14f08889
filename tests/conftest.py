"""How the tests are spread over processes: who shares a stack stays together, and what waits longest begins first.

And what of Hypothesis holds for all of them, and that each test has an id of its own.
"""

import gc
import signal
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # pytest-xdist has no types

_END_TO_END = "tests/end_to_end/"
# They wait long for a stack that they break or take down, and have one for both; the other end-to-end tests share one.
_BREAKING = tuple(f"{_END_TO_END}test_{name}.py" for name in ("down", "faults", "function_faults"))
# Its tests bring up a stack of their own, and have no part in the shared one.
_WITH_OWN_STACK = f"{_END_TO_END}test_own_task_types.py"
_CONTAINERS = "tests/containers/"
# They share those of a session; the other tests of containers have their own.
_ON_SHARED_CONTAINERS = tuple(f"{_CONTAINERS}test_{name}.py" for name in ("dlq", "hardening", "lifecycle"))
# Each makes its own queues, in the LocalStack of whatever process it is run by.
_ALONE = "tests/integration/services/"

# How long an example takes, or how long it takes to make one, says something of the machine: it is a shared one.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def unit_of(nodeid: str) -> str:
    """What is run by one process, one after the other: tests with the same unit."""
    path = nodeid.partition("::")[0]
    if path.startswith(_ALONE):
        return nodeid
    if path in _BREAKING:
        return "breaking"
    if path in _ON_SHARED_CONTAINERS:
        return _CONTAINERS
    return _END_TO_END if path.startswith(_END_TO_END) and path != _WITH_OWN_STACK else path


class UnitScheduling(LoadScopeScheduling):  # type: ignore[misc]  # the same
    """Gives each process that is free the next unit."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> UnitScheduling:
    # In the order of the command line, on which those that wait longest stand first; not the largest file.
    config.option.loadscopereorder = False
    return UnitScheduling(config, log)


def let_children_hear_signals() -> None:
    """Go on ignoring what this process was started to ignore, as by `nohup make test &`, but let no child inherit that.

    A signal that is handled here, by doing nothing, has its default in what is executed (execve(2)).
    """
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda _number, _frame: None)


def pytest_configure() -> None:
    let_children_hear_signals()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Leave what is loaded and collected out of Python's garbage collections: all of it stays until the run ends."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse tests that share an id: pytest-xdist, which knows tests by it, runs the first of them and no other."""
    shared = [nodeid for nodeid, times in Counter(item.nodeid for item in items).items() if times > 1]
    if shared:
        raise pytest.UsageError(f"these ids are shared by more than one test each: {', '.join(shared)}")
