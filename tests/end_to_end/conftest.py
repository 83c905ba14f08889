"""One suite for every stack: native by default, containers with `MODE=containers`, or any other by its URLs.

pytest tests/end_to_end --api-url https://… --receiver-url https://…
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.end_to_end.client import Client
from tests.end_to_end.not_asked import KINDS, MARK, leave_out, lines, note
from tests.end_to_end.stack_control import StackControl
from tests.refusing_proxy import RefusingProxy, running_proxy

ASCII_LOCALE = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
# What runs tests in parallel sets it, and it would win.
WIDTH_OF_THE_TERMINAL = {"COLUMNS": ""}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("end to end")
    group.addoption("--api-url", help="the API of a running stack; without it the suite starts one of its own")
    group.addoption("--receiver-url", help="that stack's receiver, as this machine reaches it")
    group.addoption("--receiver-url-for-services", help="the same as the services reach it, where that differs")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{MARK}(*kinds): of no broker of one of these kinds: {', '.join(KINDS)}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    leave_out(config, items)


def pytest_sessionfinish(session: pytest.Session) -> None:
    # What runs in a process of xdist's is printed by its controller, which has collected nothing.
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[MARK] = lines(session.config)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    note(node.config, node.workeroutput[MARK])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in lines(terminalreporter.config):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def proxy() -> Iterator[RefusingProxy]:
    with running_proxy() as proxy:
        yield proxy


@contextmanager
def odd_stack(proxy: RefusingProxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackControl]:
    """A stack in surroundings that services and commands are to bear."""
    surroundings = {**proxy.environment, **ASCII_LOCALE, **WIDTH_OF_THE_TERMINAL}
    with running_stack(StackControl(tmp_path_factory.mktemp("Größe"), surroundings=surroundings)) as stack:
        yield stack


@contextmanager
def running_stack(stack: StackControl) -> Iterator[StackControl]:
    try:
        assert stack.exit_code_unread("up") == 0
        yield stack
    finally:
        stack.remove()


@pytest.fixture(scope="session")
def control(
    request: pytest.FixtureRequest, proxy: RefusingProxy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StackControl | None]:
    if request.config.getoption("--api-url"):
        yield None
    elif is_in_containers():
        # Its images come from where the proxy lets nobody.
        with running_stack(StackControl(tmp_path_factory.mktemp("stack"))) as stack:
            yield stack
    else:
        with odd_stack(proxy, tmp_path_factory) as stack:
            yield stack


def is_in_containers() -> bool:
    return os.environ.get("MODE") == "containers"


@pytest.fixture(scope="session")
def own_stack(control: StackControl | None) -> StackControl:
    """The suite's own stack, for the tests that break it, or need its surroundings."""
    if control is None:
        pytest.skip("it needs the suite's own stack, to break it or in odd surroundings: run it without --api-url")
    return control


@pytest.fixture
def processes(own_stack: StackControl) -> StackControl:
    """The suite's own stack, for the tests of services that say what they are doing."""
    if own_stack.mode == "lambda":
        pytest.skip("it asks or kills processes of services, and this stack's are functions: test_function_faults.py")
    return own_stack


@pytest.fixture(scope="session")
def client(request: pytest.FixtureRequest, control: StackControl | None) -> Iterator[Client]:
    if control is not None:
        client = Client(control.api_url, control.receiver_url, control.receiver_url_for_services)
    else:
        receiver_url = request.config.getoption("--receiver-url")
        for_services = request.config.getoption("--receiver-url-for-services") or receiver_url
        client = Client(request.config.getoption("--api-url"), receiver_url, for_services)
    yield client
    client.close()


@pytest.fixture
def unreliable(client: Client, control: StackControl | None) -> Client:
    """The client of a stack that has the task types which fail on demand, as the suite's own always must."""
    if control is None and "/v1/tests/unreliable" not in client.api.get("/openapi.json").json()["paths"]:
        pytest.skip(
            "the stack at --api-url runs without the task types that fail on demand:"
            " TASK_PACKAGES=services.tasks,tests.end_to_end.task_types"
        )
    return client
