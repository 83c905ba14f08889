"""How a template is told where the secrets are: it says of none what it is.

They are in one secret of AWS Secrets Manager, a JSON object: a parameter has its ARN, and one for each setting says
which of its keys and versions that is, as `API_KEYS::version`; without one the setting is unset. Put together, the two
are what ECS takes (`arn:API_KEYS::version`), and a dynamic reference of CloudFormation (`arn:SecretString:…`): so one
set of parameters does for functions and containers.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html
"""

import re
from collections.abc import Iterable

from stack.aws.cloudformation import NO_VALUE, Resource, is_set
from stack.aws.roles import allow
from stack.aws.user_settings import API_KEYS
from stack.errors import StackError

SECRET_PARAMETER = "SettingsSecretArn"  # noqa: S105  # the name of a parameter

_SECRET: Resource = {
    "Type": "String",
    "Default": "",
    "AllowedPattern": "(arn:[^:]+:secretsmanager:.+)?",
    "Description": "The secret of Secrets Manager: a JSON object that has the secret settings, or some.",
}

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
_PARAMETER_NAME = "[A-Za-z0-9]+"


def secret_parameter(setting: str) -> str:
    """Return the template's parameter that says which key of the secret a setting is."""
    return "".join(part.title() for part in setting.split("_"))


def with_secret_parameters(parameters: Resource, settings: Iterable[str]) -> Resource:
    """Return a template's parameters, and those by which it finds the secrets.

    Raises `StackError` where a setting of a task type could not have its parameter.
    """
    declared = {**parameters, SECRET_PARAMETER: _SECRET}
    for setting in settings:
        name = secret_parameter(setting)
        if name in declared or not re.fullmatch(_PARAMETER_NAME, name):
            raise StackError(
                f"{setting} is a secret, whose parameter in the template would be {name}, which is taken or no name of"
                " one (ASCII letters and digits): call the field of the task type's settings otherwise."
            )
        declared[name] = {
            "Type": "String",
            "Default": "",
            "AllowedPattern": f"({setting}:[^:]*:[^:]*)?",
            "Description": f"Which {setting} of that secret it is: {setting}::version; empty, it is unset.",
        }
    return declared


def secret_conditions(settings: Iterable[str]) -> Resource:
    """Return the conditions of a template that has these secrets."""
    return {f"Has{secret_parameter(setting)}": is_set(secret_parameter(setting)) for setting in settings}


READER_CONDITIONS: Resource = {f"Has{SECRET_PARAMETER}": is_set(SECRET_PARAMETER)}
"""Those of a template that has who reads the secret itself."""

SECRET_RULES: Resource = {
    "OnlyWhoHasAKeySubmitsTasks": {
        "Assertions": [
            {
                "Assert": is_set(parameter),
                "AssertDescription": f"{parameter} must be set: without {API_KEYS} the API is open to everybody.",
            }
            for parameter in (SECRET_PARAMETER, secret_parameter(API_KEYS))
        ],
    },
}
"""What AWS refuses to deploy; LocalStack 4.14 looks at no rules, and its API needs no keys.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html
"""


def dynamic_reference(setting: str) -> Resource:
    """Return what CloudFormation puts in when it deploys, and anew where the parameters are others."""
    reference = f"{{{{resolve:secretsmanager:${{{SECRET_PARAMETER}}}:SecretString:${{{secret_parameter(setting)}}}}}}}"
    return _where_set(secret_parameter(setting), {"Fn::Sub": reference})


def container_secret(setting: str) -> Resource:
    """Return an entry of a container's secrets, which ECS reads when it starts a task."""
    value = {"Fn::Sub": f"${{{SECRET_PARAMETER}}}:${{{secret_parameter(setting)}}}"}
    return _where_set(secret_parameter(setting), {"Name": setting, "ValueFrom": value})


def allow_to_read_secret() -> Resource:
    """Return the statement that allows to read the secret, where there is one; it needs `READER_CONDITIONS`."""
    return _where_set(SECRET_PARAMETER, allow(["secretsmanager:GetSecretValue"], {"Ref": SECRET_PARAMETER}))


def _where_set(parameter: str, value: Resource) -> Resource:
    return {"Fn::If": [f"Has{parameter}", value, NO_VALUE]}
