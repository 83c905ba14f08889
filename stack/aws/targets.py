"""What the services can become on AWS: for each target its template, and what that needs."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

from services.api.settings import ApiSettings
from services.dlq_watcher.settings import WatcherSettings
from services.queueing.settings import QUEUE_NAME_PREFIX_PATTERN
from services.settings import Settings
from services.task_types.loading import TaskTypes
from services.worker.settings import WorkerSettings
from stack.aws.functions_template import (
    CODE,
    MACHINE_PARAMETER,
    RUNTIME_PARAMETER,
    RUNTIMES,
    functions_template,
)
from stack.aws.package import Target, build, this_version
from stack.aws.queue_resources import PREFIX_PARAMETER
from stack.aws.user_settings import API_KEYS, read_settings
from stack.config import DeploymentTarget, Machine
from stack.errors import StackError
from stack.terminal import OnProgress

_READ_BY_SERVICES: tuple[type[Settings], ...] = (ApiSettings, WorkerSettings, WatcherSettings)

_LONGEST_FUNCTION_NAME = 64
"""https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html"""


@dataclass(frozen=True)
class Services:
    """What is deployed: the task types, and the settings of a user."""

    task_types: TaskTypes
    task_packages: Sequence[str]
    environment: Mapping[str, str]


class TargetOnAws(Protocol):
    """One that `make deploy` knows."""

    template_file: ClassVar[str]
    """The name of the file that has its template."""

    def check(self, services: Services, stack: str) -> None:
        """Raise `StackError` for whatever can be known to be wrong before AWS is asked."""

    def build(self, services: Services, directory: Path, on_progress: OnProgress) -> str:
        """Put together, in the directory, what the template refers to; return how it does. Raises `StackError`."""

    def template(self, services: Services, artefact: str) -> dict[str, Any]:
        """Return the template, which refers to what was put together so. Raises `StackError`."""

    def parameters(self) -> Mapping[str, str]:
        """Return those of the template's parameters that follow from what was put together."""


@dataclass(frozen=True)
class Functions:
    """Functions of AWS Lambda, from one package."""

    machine: Machine
    version: str = field(default_factory=this_version)
    """Of Python."""

    template_file: ClassVar[str] = "functions.yaml"

    def check(self, services: Services, stack: str) -> None:
        """Raise `StackError` where a function could not have its name, its Python or its settings."""
        if self._target.runtime not in RUNTIMES:
            raise StackError(
                f"The functions run by the Python that packs them, and Lambda's are {', '.join(RUNTIMES)}:"
                f" this is {self.version}. Name another one, as PYTHON={RUNTIMES[-1]}."
            )
        require_names(stack, function_names(self.template(services, CODE), stack))

    def build(self, services: Services, directory: Path, on_progress: OnProgress) -> str:
        """Return the path of the package."""
        # The name of no stack, as it has a dot.
        package = build(directory / f"package.{self.machine}", services.task_packages, on_progress, target=self._target)
        return str(package)

    def template(self, services: Services, artefact: str) -> dict[str, Any]:
        """Return the template of a package that has this path."""
        return functions_template(services.task_types, services.environment, artefact)

    def parameters(self) -> Mapping[str, str]:
        """Return what the package was put together for."""
        return {RUNTIME_PARAMETER: self._target.runtime, MACHINE_PARAMETER: self.machine}

    @property
    def _target(self) -> Target:
        # Never as this machine would have it: its libraries may be of a later Linux than Lambda's, or of none.
        return Target(self.machine, self.version)


def target_on_aws(name: DeploymentTarget, machine: Machine) -> TargetOnAws:
    """Return the target of that name."""
    targets: Mapping[DeploymentTarget, TargetOnAws] = {"lambda": Functions(machine)}
    return targets[name]


def function_names(template: Mapping[str, Any], stack: str) -> list[str]:
    """Return the names of the functions of a stack of that name."""
    return [
        each["Properties"]["FunctionName"]["Fn::Sub"].replace("${AWS::StackName}", stack)
        for each in template["Resources"].values()
        if each["Type"] == "AWS::Serverless::Function"
    ]


def queue_names(template: Mapping[str, Any], prefix: str) -> set[str]:
    """Return the names of the queues that a template makes."""
    return {
        each["Properties"]["QueueName"]["Fn::Sub"].replace(f"${{{PREFIX_PARAMETER}}}", prefix)
        for each in template["Resources"].values()
        if each["Type"] == "AWS::SQS::Queue"
    }


def queue_name_prefix(stack: str, environment: Mapping[str, str], deployed: Mapping[str, str]) -> str:
    """Return what goes before each queue's name: what is set, else what `deployed`, its parameters, has, else its name.

    Raises `StackError` where that would be too long.
    """
    prefix = environment.get("QUEUE_NAME_PREFIX") or deployed.get(PREFIX_PARAMETER) or f"{stack}-"
    if not re.fullmatch(QUEUE_NAME_PREFIX_PATTERN, prefix):
        raise StackError(
            f"QUEUE_NAME_PREFIX={prefix} goes before the queues' names, and has at most 24 letters, digits, - and _:"
            " set another one, or take a shorter STACK, which it follows where it is unset."
        )
    return prefix


def require_names(stack: str, names: Sequence[str]) -> None:
    """Raise `StackError` where functions of a stack of that name could not have theirs."""
    longest = max(names, key=len)
    if len(longest) > _LONGEST_FUNCTION_NAME:
        most = _LONGEST_FUNCTION_NAME - (len(longest) - len(stack))
        raise StackError(
            f"STACK={stack} has {len(stack)} characters, and {most} are the most: the function {longest}"
            f" could not have its name, which Lambda lets have {_LONGEST_FUNCTION_NAME}."
        )


def require_secrets(secrets: Mapping[str, str], environment: Mapping[str, str]) -> None:
    """Raise `StackError` where the services could not start with these secrets, or would be open to everybody."""
    if not secrets.get(API_KEYS):
        raise StackError(
            f"{API_KEYS} must be set, as the URL is public, and none are stored: keys of at least 16 characters,"
            f" separated by commas, in the shell or in .env. One: {API_KEYS}=$(openssl rand -hex 24)"
        )
    for settings_class in _READ_BY_SERVICES:
        read_settings(settings_class, environment, secrets)
