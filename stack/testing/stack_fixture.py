"""The fixture `stack`, and what the report of a test that fails has of its tasks."""

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import pytest

from stack.running import required_settings
from stack.testing.own_stack import OwnStack
from stack.testing.running_stack import RunningStack

RUNNING_STACK = "--running-stack"

STACK = "stack"
"""The fixture, and the mark of the tests that have it."""


@pytest.fixture(scope="session", name=STACK)
def stack_of_tests(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """Give a stack with the task types of `TASK_PACKAGES`: one of the tests' own, which is stopped after them.

    It runs as `MODE` says, with ports and a directory of its own. With `--running-stack` it is the one that is up.
    """
    if request.config.getoption(RUNNING_STACK, default=False):
        with _stories_reported(RunningStack(required_settings()), request.config) as stack:
            yield stack
        return
    own = OwnStack(tmp_path_factory.mktemp("stack"), os.environ)
    try:
        own.up()
        with _stories_reported(RunningStack(own.settings()), request.config) as stack:
            yield stack
    finally:
        own.remove()


@contextmanager
def _stories_reported(stack: RunningStack, config: pytest.Config) -> Iterator[RunningStack]:
    reporter = _StoryReporter(stack)
    config.pluginmanager.register(reporter)
    try:
        yield stack
    finally:
        config.pluginmanager.unregister(reporter)


class _StoryReporter:
    """A plugin for as long as there is a stack: a run without one is as without it."""

    def __init__(self, stack: RunningStack) -> None:
        self._stack = stack

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        self._stack.submitted.clear()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if report.failed:
            report.sections += [(f"story of task {each}", self._stack.story(each)) for each in self._stack.submitted]
        return report
