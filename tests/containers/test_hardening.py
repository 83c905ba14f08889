"""What a container may not do, tried in the container itself."""

import pytest

from tests.containers.container_stack import ContainerStack

OWN = ["api", "console", "dlq-watcher", "receiver", "worker-calculation", "worker-callbacks", "worker-data"]
PUBLISHED = {"api-1": "8000/tcp", "receiver-1": "9000/tcp", "console-1": "8080/tcp", "localstack-1": "4566/tcp"}

WRITE_TO_ROOT = """
try:
    open('/app/anything', 'w')
except OSError as error:
    print(error.strerror)
"""


@pytest.mark.parametrize("service", OWN)
def test_a_service_runs_as_a_user_without_a_name_or_rights(stack: ContainerStack, service: str) -> None:
    assert stack.python(service, "import os; print(os.getuid(), os.getgid())") == "10001 10001"


@pytest.mark.parametrize("service", OWN)
def test_a_service_cannot_write_to_its_root_file_system(stack: ContainerStack, service: str) -> None:
    assert stack.python(service, WRITE_TO_ROOT) == "Read-only file system"


@pytest.mark.parametrize("service", [*OWN, "localstack"])
def test_no_container_has_a_capability_or_can_gain_one(stack: ContainerStack, service: str) -> None:
    status = stack.python(service, "print(open('/proc/1/status').read())")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert {int(fields[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert fields["NoNewPrivs"] == "1"


def test_memory_processes_and_logs_of_every_container_are_limited(stack: ContainerStack) -> None:
    for name, container in stack.containers().items():
        host = container["HostConfig"]
        assert host["Memory"] > 0, name
        assert host["PidsLimit"] > 0, name
        assert host["LogConfig"]["Config"]["max-size"], name


def test_ports_are_published_on_loopback_alone_and_only_where_needed(stack: ContainerStack) -> None:
    for name, container in stack.containers().items():
        published = {port: hosts for port, hosts in container["NetworkSettings"]["Ports"].items() if hosts}
        assert set(published) == ({PUBLISHED[name]} if name in PUBLISHED else set())
        assert all(host["HostIp"] == "127.0.0.1" for hosts in published.values() for host in hosts)


def test_the_services_image_carries_no_package_installer_of_its_own(stack: ContainerStack) -> None:
    assert stack.python("api", "import pathlib; print(list(pathlib.Path('/opt/venv/bin').glob('pip*')))") == "[]"
