"""Which services of AWS the LocalStack of a stack serves: SQS, and those that its task types say that they call."""

import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from stack.config import StackSettings
from stack.containers.additions import changed_services
from stack.functions.workforce import SERVICES, Functions
from stack.native.broker_processes import LocalStackProcess
from stack.native.localstack import ENVIRONMENT, ENVIRONMENT_OF_ALL, environment_for

TASK_TYPE = """
from services.task_types import TaskItem, TaskType


async def run(item, context):
    return item.name


TASK_TYPE = TaskType(
    name="{name}", route="/v1/{name}", summary="", item=TaskItem, run=run, example=[], aws_services={services}
)
"""


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """What TASK_PACKAGES names: our own, and one whose two task types call S3, and one of them SNS."""
    package = tmp_path / "types_that_call_aws"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "mail.py").write_text(TASK_TYPE.format(name="mail", services=["sns", "s3"]))
    (package / "print.py").write_text(TASK_TYPE.format(name="print", services=["s3"]))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield f"services.tasks,{package.name}"
    for name in [name for name in sys.modules if name.startswith(package.name)]:
        del sys.modules[name]


def settings(packages: str) -> StackSettings:
    return StackSettings("native", environment={"TASK_PACKAGES": packages})


def test_natively_it_serves_them_and_is_the_one_that_can(packages: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCALSTACK_PYTHON", raising=False)
    localstack = LocalStackProcess().program(settings(packages))

    assert localstack.environment["SERVICES"] == "sqs,s3,sns"
    assert environment_for(settings(packages)) == ENVIRONMENT_OF_ALL
    assert f"-{ENVIRONMENT_OF_ALL}" in localstack.command[0]


def test_where_none_is_called_it_serves_sqs_alone_and_is_the_smaller_one() -> None:
    localstack = LocalStackProcess().program(settings("services.tasks"))

    assert localstack.environment["SERVICES"] == "sqs"
    assert environment_for(settings("services.tasks")) == ENVIRONMENT


def test_with_functions_it_serves_them_besides_what_functions_need(packages: str) -> None:
    [localstack, *_] = Functions().programs(settings(packages), "", count(8081))

    assert localstack.environment["SERVICES"].split(",") == [*SERVICES, "sns"]


def test_in_containers_it_serves_them_too() -> None:
    own = {"build": {"context": "."}}
    services = {"localstack": {}, "console": own, "worker-calculation": own}

    changes = changed_services(services, ["calculation"], [], None, ["s3", "sns"])
    assert changes["localstack"] == {"environment": {"SERVICES": "sqs,s3,sns"}}
    assert "localstack" not in changed_services(services, ["calculation"], [], None)
