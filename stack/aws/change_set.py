"""What a deployment would change, as CloudFormation says it by a change set, and the end of one that nobody executes.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets-view.html
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from stack.aws.deployed_stack import find_stack

_MARKS = {"Add": "+", "Modify": "~", "Remove": "-"}


@dataclass(frozen=True)
class Change:
    """What becomes of a resource."""

    action: str
    """Add, Modify or Remove."""
    resource: str
    """Its logical id."""
    kind: str
    """As AWS::SQS::Queue."""
    properties: tuple[str, ...] = ()
    """Those that change, where CloudFormation says so."""
    is_replaced: bool = False
    """Whether another takes its place."""


def change_sets(cloudformation: Any, stack: str) -> set[str]:
    """Return the ids of a stack's change sets, none where there is no stack."""
    try:
        pages = list(cloudformation.get_paginator("list_change_sets").paginate(StackName=stack))
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return set()
        raise
    return {each["ChangeSetId"] for page in pages for each in page["Summaries"]}


def changes_of(cloudformation: Any, change_set: str) -> list[Change]:
    """Return what a change set changes."""
    pages = cloudformation.get_paginator("describe_change_set").paginate(ChangeSetName=change_set)
    return [
        change_of(each["ResourceChange"]) for page in pages for each in page["Changes"] if each["Type"] == "Resource"
    ]


def change_of(change: Mapping[str, Any]) -> Change:
    """Return a `ResourceChange` of CloudFormation's as one of ours. Pure."""
    targets = [detail.get("Target", {}) for detail in change.get("Details", [])]
    properties = {target.get("Name") or target.get("Attribute") for target in targets} - {None}
    return Change(
        change["Action"],
        change["LogicalResourceId"],
        change["ResourceType"],
        tuple(sorted(properties)),
        change.get("Replacement") == "True",
    )


def change_line(change: Change) -> str:
    """Return a line for a change. Pure."""
    what = f": {', '.join(change.properties)}" if change.properties else ""
    replaced = ", and another takes its place" if change.is_replaced else ""
    return f"  {_MARKS.get(change.action, change.action)} {change.resource} ({change.kind}){what}{replaced}"


def remove_change_sets(cloudformation: Any, stack: str, kept: set[str], *, was_there: bool) -> None:
    """Remove the change sets of a stack but for those that are kept; and the stack where it came to be by one."""
    for change_set in change_sets(cloudformation, stack) - kept:
        # Who has interrupted it may have done so before it was computed, and till then it cannot be removed.
        with suppress(WaiterError):
            _wait(cloudformation, "change_set_create_complete", ChangeSetName=change_set)
        cloudformation.delete_change_set(ChangeSetName=change_set)
    found = find_stack(cloudformation, stack)
    if found is not None and not was_there and not found.has_resources:
        cloudformation.delete_stack(StackName=found.id)
        _wait(cloudformation, "stack_delete_complete", StackName=found.id)


def _wait(cloudformation: Any, until: str, **of: str) -> None:
    cloudformation.get_waiter(until).wait(**of, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
