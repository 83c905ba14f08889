"""A stack of CloudFormation: how it stands, and whether it may be changed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from stack.config import DeploymentTarget
from stack.errors import StackError

TAG = "async-tasks"
"""Marks the stacks that are ours; its value is the target."""

IN_REVIEW = "REVIEW_IN_PROGRESS"
"""That of a stack which has nothing but a change set that nobody has executed."""

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
_REMOVED_FIRST = ("CREATE_FAILED", "DELETE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
_STUCK = "UPDATE_ROLLBACK_FAILED"


# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-using-console-create-stack-parameters.html
_NAME = re.compile("[A-Za-z][A-Za-z0-9-]{0,127}")


@dataclass(frozen=True)
class DeployedStack:
    """A stack as CloudFormation has it."""

    name: str
    id: str
    status: str
    tags: Mapping[str, str]
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]

    @property
    def target(self) -> str | None:
        """What it was deployed as, None where it is not ours."""
        return self.tags.get(TAG)

    @property
    def has_resources(self) -> bool:
        """Whether something of it was ever made."""
        return self.status != IN_REVIEW


def require_stack_name(name: str) -> None:
    """Raise `StackError` where CloudFormation takes no such name."""
    if not name:
        raise StackError("The stack needs a name: STACK=name, or --stack name.")
    if not _NAME.fullmatch(name):
        raise StackError(
            f"STACK={name} is no name of a stack: it has letters, digits and hyphens, first a letter, and 128 at most."
        )


def find_stack(cloudformation: Any, name: str) -> DeployedStack | None:
    """Return the stack of that name or id, None where there is none."""
    try:
        [found] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return None
        raise
    return DeployedStack(
        found["StackName"],
        found["StackId"],
        found["StackStatus"],
        {each["Key"]: each["Value"] for each in found.get("Tags", [])},
        {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", [])},
        {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])},
    )


def refuse_to_deploy(stack: DeployedStack | None, target: DeploymentTarget) -> None:
    """Raise `StackError` where a stack cannot be deployed to as it stands, or is another target's."""
    if stack is None or not stack.has_resources:
        return
    _refuse_foreign(stack)
    _refuse_in_progress(stack)
    if stack.target != target:
        raise StackError(
            f"The stack {stack.name} is TARGET={stack.target}, and becomes no other one: deploy TARGET={target} as a"
            f" second stack, let your clients use that, and remove {stack.name} when its queues are empty."
        )
    if stack.status in _REMOVED_FIRST:
        raise StackError(
            f"The stack {stack.name} is {stack.status}, and CloudFormation changes no such stack:"
            f" remove it first with `make undeploy STACK={stack.name}`."
        )
    if stack.status == _STUCK:
        raise StackError(
            f"The stack {stack.name} is {stack.status}: let"
            f" `aws cloudformation continue-update-rollback --stack-name {stack.name}` bring it back first."
        )


def refuse_to_remove(stack: DeployedStack) -> None:
    """Raise `StackError` where a stack is not ours, or in the midst of a change."""
    if stack.has_resources:
        _refuse_foreign(stack)
        _refuse_in_progress(stack)


def _refuse_foreign(stack: DeployedStack) -> None:
    if stack.target is None:
        raise StackError(
            f"There is a stack {stack.name} that `make deploy` has not made, as it has no tag {TAG}:"
            " it is left alone. Take another name for STACK."
        )


def _refuse_in_progress(stack: DeployedStack) -> None:
    if stack.status.endswith("_IN_PROGRESS"):
        raise StackError(
            f"The stack {stack.name} is {stack.status}: CloudFormation is at work on it. Try again when it is done."
        )
