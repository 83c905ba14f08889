"""Tests of task types: a pytest plugin for projects that have task types of their own (docs/testing-a-task-type.md).

`run_item` and `run_task` work in memory, in milliseconds; the fixture `stack` is a real stack. What is named here is
kept stable: a name goes, or takes other arguments, with a major version alone.

It has no assertions for pytest to rewrite, and a conftest.py may import it before it is a plugin: PYTEST_DONT_REWRITE.
"""

import pytest
import structlog

from services.queueing.cut_short import TaskTimeoutError
from services.telemetry import log_context
from stack.errors import StackError
from stack.testing.errors import BrokenTaskTypeError, NoOutcomeError, TaskRefusedError, UnfitSettingsError
from stack.testing.in_memory import WorkedTask, run_item, run_task
from stack.testing.outcome import Outcome
from stack.testing.running_stack import HeardTask, RunningStack
from stack.testing.stack_fixture import RUNNING_STACK, STACK, stack_of_tests

__all__ = [
    "BrokenTaskTypeError",
    "HeardTask",
    "NoOutcomeError",
    "Outcome",
    "RunningStack",
    "StackError",
    "TaskRefusedError",
    "TaskTimeoutError",
    "UnfitSettingsError",
    "WorkedTask",
    "run_item",
    "run_task",
    "stack_of_tests",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the command line say which stack the fixture `stack` is."""
    parser.getgroup("async-tasks").addoption(
        RUNNING_STACK,
        action="store_true",
        help="the fixture `stack` is the stack that `make up` has started, not one of the tests' own",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark `stack` known, and log lines short.

    structlog's default draws each traceback at length; whoever has set it up keeps that.
    """
    config.addinivalue_line("markers", f"{STACK}: has the fixture `{STACK}`, and so needs a stack (set by itself)")
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            log_context.merge,
            structlog.processors.add_log_level,
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ]
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need a stack, so that `-m stack` runs them alone, and `-m "not stack"` all others."""
    for item in items:
        if STACK in getattr(item, "fixturenames", ()):
            item.add_marker(STACK)
