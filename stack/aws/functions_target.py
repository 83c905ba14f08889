"""`TARGET=lambda`: the services as functions of AWS Lambda, from one package."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from stack.aws.account import Account
from stack.aws.first_task import welcome_to_services
from stack.aws.functions_template import (
    API_URL_OUTPUT,
    CODE,
    MACHINE_PARAMETER,
    RUNTIME_PARAMETER,
    RUNTIMES,
    functions_template,
)
from stack.aws.package import Target, build, contents_of, this_version
from stack.aws.target import Services, queue_name_prefix, require_secrets_of_services
from stack.aws.user_settings import secret_settings
from stack.config import Machine
from stack.errors import StackError
from stack.terminal import OnProgress

_LONGEST_FUNCTION_NAME = 64
"""https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html"""


@dataclass(frozen=True)
class PackagedFunctions:
    """What all that consists of functions has in common: the package, with its machine and its Python."""

    machine: Machine
    version: str = field(default_factory=this_version)
    """Of Python."""

    decided_parameters: ClassVar[tuple[str, ...]] = (RUNTIME_PARAMETER, MACHINE_PARAMETER)

    def build(self, services: Services, directory: Path, on_progress: OnProgress) -> str:
        """Return the path of the package."""
        # The name of no stack, as it has a dot.
        contents = contents_of(services.task_packages, services.task_types)
        return str(build(directory / f"package.{self.machine}", contents, on_progress, target=self._target))

    def publish(self, account: Account, stack: str, artefact: str, on_progress: OnProgress) -> None:
        """Do nothing: the SAM CLI uploads the package."""

    def parameters(self, account: Account, stack: str, artefact: str, known: Mapping[str, str]) -> dict[str, str]:  # noqa: ARG002  # as the protocol has it
        """Return what the package was put together for."""
        return {RUNTIME_PARAMETER: self._target.runtime, MACHINE_PARAMETER: self.machine}

    def _check_names(self, template: Mapping[str, Any], stack: str) -> None:
        """Raise `StackError` where a function could not have its Python, or its name."""
        if self._target.runtime not in RUNTIMES:
            raise StackError(
                f"The functions run by the Python that packs them, and Lambda's are {', '.join(RUNTIMES)}:"
                f" this is {self.version}. Name another one, as PYTHON={RUNTIMES[-1]}."
            )
        require_names(stack, function_names(template, stack))

    @property
    def _target(self) -> Target:
        # Never as this machine would have it: its libraries may be of a later Linux than Lambda's, or of none.
        return Target(self.machine, self.version)


@dataclass(frozen=True)
class Functions(PackagedFunctions):
    """The services, each a function or some, and the API behind a URL of its own."""

    template_file: ClassVar[str] = "functions.yaml"

    def secret_settings(self, services: Services) -> tuple[str, ...]:
        """Return those of the services, and of the task types."""
        return secret_settings(services.task_types)

    def check(self, services: Services, stack: str) -> None:
        """Raise `StackError` where a function, or a queue, could not have its name, its Python or its settings."""
        queue_name_prefix(stack, services.environment, {})
        self._check_names(self.template(services, CODE), stack)

    def require_secrets(self, secrets: Mapping[str, str], services: Services) -> None:
        """Raise as `require_secrets_of_services` does."""
        require_secrets_of_services(secrets, services)

    def template(self, services: Services, artefact: str) -> dict[str, Any]:
        """Return the template of a package that has this path."""
        return functions_template(services.task_types, services.environment, artefact)

    def addresses(self, outputs: Mapping[str, str]) -> dict[str, str]:
        """Return the API's URL."""
        return {"api": outputs.get(API_URL_OUTPUT, "")}

    def welcome(self, stack: str, outputs: Mapping[str, str], services: Services, endpoint: str) -> list[str]:
        """Return where the API is, and how to try it."""
        return welcome_to_services(stack, self.addresses(outputs)["api"], services, endpoint)


def function_names(template: Mapping[str, Any], stack: str) -> list[str]:
    """Return the names of the functions of a stack of that name."""
    return [
        each["Properties"]["FunctionName"]["Fn::Sub"].replace("${AWS::StackName}", stack)
        for each in template["Resources"].values()
        if each["Type"] == "AWS::Serverless::Function"
    ]


def require_names(stack: str, names: Sequence[str]) -> None:
    """Raise `StackError` where functions of a stack of that name could not have theirs."""
    longest = max(names, key=len)
    if len(longest) > _LONGEST_FUNCTION_NAME:
        most = _LONGEST_FUNCTION_NAME - (len(longest) - len(stack))
        raise StackError(
            f"STACK={stack} has {len(stack)} characters, and {most} are the most: the function {longest}"
            f" could not have its name, which Lambda lets have {_LONGEST_FUNCTION_NAME}."
        )
