"""What a function may do: its own role for each, with what the code does on its own queues, and no more.

Without a role of its own, SAM would give a function AWSLambdaSQSQueueExecutionRole, which may take and delete the
messages of every queue of the account.
https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSLambdaSQSQueueExecutionRole.html
"""

from collections.abc import Iterable

from stack.aws.functions import Function
from stack.aws.queue_resources import Resource, queue_resource_id

LOOK = ("sqs:GetQueueAttributes", "sqs:GetQueueUrl")
"""It finds a queue by its name, and compares it with how it is declared."""

SEND = (*LOOK, "sqs:SendMessage")

RECEIVE = ("sqs:ChangeMessageVisibility", "sqs:DeleteMessage", *LOOK, "sqs:ReceiveMessage")
"""The event source receives and deletes with the function's role; the code gives back, and deletes before a risk."""

WRITE_LOG = ("logs:CreateLogStream", "logs:PutLogEvents")


def role_of(function: Function, log_group_id: str) -> Resource:
    """Return the role of a function whose log group has this logical id."""
    received = {trigger.queue.name for trigger in function.triggers}
    statements = [
        _allow("Log", WRITE_LOG, [{"Fn::GetAtt": [log_group_id, "Arn"]}]),
        *_on_queues("Receive", RECEIVE, received),
        *_on_queues("Send", SEND, function.sends_to),
        *_on_queues("Look", LOOK, function.looks_at - function.sends_to - received),
    ]
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "lambda.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    }
                ],
            },
            "Policies": [
                {
                    "PolicyName": "work",
                    "PolicyDocument": {"Version": "2012-10-17", "Statement": statements},
                }
            ],
        },
    }


def _on_queues(sid: str, actions: Iterable[str], queues: Iterable[str]) -> list[Resource]:
    arns = [{"Fn::GetAtt": [queue_resource_id(name), "Arn"]} for name in sorted(queues)]
    return [_allow(sid, actions, arns)] if arns else []


def _allow(sid: str, actions: Iterable[str], resources: list[Resource]) -> Resource:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resources}
