"""What all templates are written with.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
"""

from typing import Any

Resource = dict[str, Any]

NO_VALUE: Resource = {"Ref": "AWS::NoValue"}
"""What stands where nothing is to stand."""


def logical_id(name: str) -> str:
    """Return how a template names what belongs to a queue or a service: letters and digits alone."""
    return "".join(part[0].upper() + part[1:] for part in name.replace("_", "-").split("-") if part)


def is_set(parameter: str) -> Resource:
    """Return the condition that a parameter is not empty."""
    return {"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, ""]}]}
