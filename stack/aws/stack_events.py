"""What CloudFormation says of the resources of a stack while it works on it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_STACK = "AWS::CloudFormation::Stack"

_DONE = {"CREATE": "made", "UPDATE": "changed", "DELETE": "removed"}


@dataclass(frozen=True)
class Event:
    """What has become of a resource."""

    id: str
    status: str
    """As CREATE_COMPLETE."""
    kind: str
    """As AWS::SQS::Queue."""
    resource: str
    """Its logical id."""
    reason: str = ""


def events(cloudformation: Any, stack: str) -> Iterator[Event]:
    """Yield what has become of the resources of a stack, of that name or id, the last first."""
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack):
        for each in page["StackEvents"]:
            yield Event(
                each["EventId"],
                each["ResourceStatus"],
                each["ResourceType"],
                each["LogicalResourceId"],
                each.get("ResourceStatusReason", ""),
            )


def events_since(found: Iterator[Event], last: str | None) -> list[Event]:
    """Return the events after the one of that id, None: all; the last of them last."""
    since = []
    for event in found:
        if event.id == last:
            break
        since.append(event)
    return since[::-1]


def event_line(event: Event) -> str | None:
    """Return a line for what a resource has become, None where it is on the way, or the event is the stack's own."""
    if event.kind == _STACK:
        return None
    operation, _, outcome = event.status.partition("_")
    if outcome == "COMPLETE" and operation in _DONE:
        return f"  {_DONE[operation]}: {event.resource} ({event.kind})"
    if event.status.endswith("_FAILED"):
        return f"  {event.status}: {event.resource} ({event.kind})"
    return None


def failures(found: list[Event]) -> list[str]:
    """Return a line for each resource that has failed, but for those that were given up as another had."""
    return [
        f"{event.resource}: {event.reason}"
        for event in found
        if event.status.endswith("_FAILED")
        and event.kind != _STACK
        and event.reason
        and "cancelled" not in event.reason
    ]
