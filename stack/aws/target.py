"""What `make deploy` has to know of one thing that the project can become on AWS, and what all of them share."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from services.queueing.settings import QUEUE_NAME_PREFIX_PATTERN
from services.task_types.loading import TaskTypes
from stack.aws.account import Account
from stack.aws.queue_resources import PREFIX_PARAMETER
from stack.aws.secret_parameters import SECRET_PARAMETER, secret_parameter
from stack.aws.user_settings import API_KEYS, READ_BY_SERVICES, ensure_task_types_work, read_settings
from stack.errors import StackError
from stack.terminal import OnProgress


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
    decided_parameters: ClassVar[tuple[str, ...]]
    """Those of the template's parameters that follow from what is put together."""

    def secret_settings(self, services: Services) -> tuple[str, ...]:
        """Return those secret settings that it is given."""
        ...

    def check(self, services: Services, stack: str) -> None:
        """Raise `StackError` for whatever can be known to be wrong before AWS is asked."""

    def require_secrets(self, secrets: Mapping[str, str], services: Services) -> None:
        """Raise `StackError` where it could not start with these secrets, or would be open to everybody."""

    def build(self, services: Services, directory: Path, on_progress: OnProgress) -> str:
        """Put together what the template refers to, files in the directory; return how it is known here.

        Raises `StackError`.
        """

    def template(self, services: Services, artefact: str) -> dict[str, Any]:
        """Return the template, which refers to what was put together so. Raises `StackError`."""

    def publish(self, account: Account, stack: str, artefact: str, on_progress: OnProgress) -> None:
        """Bring to AWS what the SAM CLI does not bring there. Raises `StackError`."""

    def parameters(self, account: Account, stack: str, artefact: str, known: Mapping[str, str]) -> dict[str, str]:
        """Return those of the template's parameters that follow from what was put together, and from the account.

        `known`: those that somebody has given, or that the stack has. Raises `StackError`.
        """

    def addresses(self, outputs: Mapping[str, str]) -> dict[str, str]:
        """Return where it is, by what each address is for, from the outputs of the stack."""

    def welcome(self, stack: str, outputs: Mapping[str, str], services: Services, endpoint: str) -> list[str]:
        """Return what a person is told once it is deployed by CloudFormation at this endpoint."""


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


def require_secrets_of_services(secrets: Mapping[str, str], services: Services) -> None:
    """Raise `StackError` where the services could not start with these secrets, or would be open to everybody."""
    if not secrets.get(API_KEYS):
        raise StackError(
            f"{API_KEYS} must be set, as the URL is public, and none are stored: keys of at least 16 characters,"
            f" separated by commas, in the shell or in .env. One: {API_KEYS}=$(openssl rand -hex 24)"
        )
    for settings_class in READ_BY_SERVICES:
        read_settings(settings_class, services.environment, secrets)
    ensure_task_types_work(services.task_types, services.environment, secrets)


def require_parameters(given: Mapping[str, str], target: TargetOnAws, services: Services) -> None:
    """Raise `StackError` where one is given that the template has not, or for which there is a setting."""
    declared = target.template(services, "")["Parameters"].keys()
    of_secrets = {SECRET_PARAMETER, *map(secret_parameter, target.secret_settings(services))}
    settable = declared - {*target.decided_parameters, PREFIX_PARAMETER, *of_secrets}
    for name in given:
        if name not in settable:
            raise StackError(f"PARAMETERS: {name} is none that can be given. There are {', '.join(sorted(settable))}.")
