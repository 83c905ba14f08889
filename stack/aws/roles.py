"""Roles of IAM: who may have one, and what it allows."""

from collections.abc import Iterable, Sequence

from stack.aws.cloudformation import Resource

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
_VERSION = "2012-10-17"


def allow(actions: Iterable[str], resources: object) -> Resource:
    """Return the statement that allows the actions on the resources."""
    return {"Effect": "Allow", "Action": sorted(actions), "Resource": resources}


def allow_to_log(log_group_ids: Iterable[str]) -> Resource:
    """Return the statement that allows to write to the log groups that have these logical ids."""
    return allow(
        ["logs:CreateLogStream", "logs:PutLogEvents"], [{"Fn::GetAtt": [each, "Arn"]} for each in log_group_ids]
    )


def role(service: str, policy: str, statements: Sequence[Resource], *, condition: Resource | None = None) -> Resource:
    """Return a role that a service of AWS may have, under the condition, with one policy of that name, and no other."""
    trust: Resource = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    if condition:
        trust["Condition"] = condition
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": _VERSION, "Statement": [trust]},
            "Policies": [
                {"PolicyName": policy, "PolicyDocument": {"Version": _VERSION, "Statement": [*statements]}},
            ],
        },
    }
