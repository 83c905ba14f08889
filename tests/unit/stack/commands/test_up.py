"""What `up` says where a port of the stack is taken, and when there is something to start."""

import socket

import pytest

from stack.commands.up import holder_named, is_whole
from stack.config import StackSettings
from stack.ports import PortTakenError, free_port, require_free_ports
from stack.status import API, LOCALSTACK, ServiceStatus

FAKE_DOCKER = """\
#!/bin/sh
[ "$1" = ps ] && printf 'another\\t/somewhere/else\\tapi\\t127.0.0.1:%s->8000/tcp\\n' "$TAKEN"
"""


@pytest.mark.usefixtures("docker")
def test_a_port_that_another_stack_has_is_named_with_that_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        monkeypatch.setenv("TAKEN", str(taken))
        holder = r"the Compose project another of /somewhere/else \(`make down` there stops it\)"

        with pytest.raises(PortTakenError, match=rf"^Port {taken} is in use by {holder}: `API_PORT=\d+ make up`"):
            start_on(taken)


@pytest.mark.usefixtures("docker")
def test_a_port_that_no_stack_has_is_another_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAKEN", "1")
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]

        with pytest.raises(PortTakenError, match=f"^Port {taken} is in use by another program: "):
            start_on(taken)


def start_on(api_port: int) -> None:
    with holder_named():
        require_free_ports(StackSettings("native", api_port, free_port(), free_port(), free_port()))


@pytest.mark.parametrize(
    ("states", "expected"),
    [(["running", "running"], True), (["running", "stopped"], False), (["running", "exited"], False), ([], False)],
)
def test_a_stack_of_which_a_part_runs_is_not_whole(states: list[str], *, expected: bool) -> None:
    services = [ServiceStatus(name, state) for name, state in zip((LOCALSTACK, API), states, strict=False)]

    assert is_whole(services) is expected
