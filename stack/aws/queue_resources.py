"""The queues as CloudFormation makes them: what localstack-init gives to those of this machine, and no more.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html
"""

from collections.abc import Sequence

from services.primitives.sqs_limits import MAX_MESSAGE_BYTES
from services.queueing.definition import QueueDefinition
from services.queueing.settings import QUEUE_NAME_PREFIX_PATTERN
from stack.aws.cloudformation import Resource, logical_id
from stack.errors import StackError

PREFIX_PARAMETER = "QueueNamePrefix"

PREFIX_PARAMETERS: Resource = {
    PREFIX_PARAMETER: {
        "Type": "String",
        "Default": "",
        "AllowedPattern": QUEUE_NAME_PREFIX_PATTERN,
        "Description": "Goes before each queue's name, so that several stacks can share an account.",
    },
}


def queue_resource_id(name: str) -> str:
    """Return how a template names the queue itself."""
    return f"{logical_id(name)}Queue"


def queue_name(name: str) -> Resource:
    """Return the name that a queue has in SQS."""
    return {"Fn::Sub": f"${{{PREFIX_PARAMETER}}}{name}"}


def queue_arn(name: str) -> Resource:
    """Return the ARN of a queue, put together from its name: two queues may name each other so."""
    arn = "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}"
    return {"Fn::Sub": f"{arn}:${{{PREFIX_PARAMETER}}}{name}"}


def queue_resources(definitions: Sequence[QueueDefinition]) -> dict[str, Resource]:
    """Return the resource of each queue by its logical id. Raises `StackError` where two would have the same."""
    resources = {queue_resource_id(definition.name): _queue(definition) for definition in definitions}
    if len(resources) < len(definitions):
        raise StackError("Two task types have names that differ by hyphens alone: CloudFormation has one for both.")
    return resources


def _queue(definition: QueueDefinition) -> Resource:
    properties: Resource = {
        "QueueName": queue_name(definition.name),
        "MessageRetentionPeriod": definition.retention_seconds,
        "MaximumMessageSize": MAX_MESSAGE_BYTES,
        "VisibilityTimeout": definition.visibility_timeout_seconds,
        "RedriveAllowPolicy": _redrive_allow_policy(definition),
    }
    if definition.max_attempts is not None:
        target = {"Fn::GetAtt": [queue_resource_id(definition.dead_letter_queue or ""), "Arn"]}
        properties["RedrivePolicy"] = {"deadLetterTargetArn": target, "maxReceiveCount": definition.max_attempts}
    return {
        "Type": "AWS::SQS::Queue",
        # Its messages go with it, by a change of the stack too that leaves it out. A queue that stayed would keep the
        # next stack of that name from being made: who deletes a stack looks first at what is in its queues.
        "DeletionPolicy": "Delete",
        # One that has got another name has lost no message by that.
        "UpdateReplacePolicy": "Retain",
        "Properties": properties,
    }


def _redrive_allow_policy(definition: QueueDefinition) -> Resource:
    """Let only the queue whose dead messages it holds send them there by itself."""
    if definition.source_queue is None:
        return {"redrivePermission": "denyAll"}
    return {"redrivePermission": "byQueue", "sourceQueueArns": [queue_arn(definition.source_queue)]}
