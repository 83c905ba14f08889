"""`aws/receiver.yaml`: the receiver as a function of AWS Lambda, a stack of its own, for a first try.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification.html
"""

from typing import Any

from stack.aws.cloudformation import NO_VALUE, Resource
from stack.aws.functions_template import CODE, CODE_PARAMETERS
from stack.aws.log_groups import LOG_PARAMETERS, log_group
from stack.aws.roles import allow_to_log, role
from stack.aws.secret_parameters import dynamic_reference, secret_conditions, with_secret_parameters
from stack.aws.user_settings import CALLBACK_SIGNING_SECRET
from stack.aws.yaml_text import yaml_text

RECEIVER_URL_OUTPUT = "ReceiverUrl"
INBOX_URL_OUTPUT = "InboxUrl"

FUNCTION = "ReceiverFunction"

TIMEOUT_SECONDS = 60
"""More than a worker waits for an answer: `?delay=` can outlast that (CALLBACK_TIMEOUT_SECONDS)."""

MEMORY_MB = 512

_FULL_NAME = "${AWS::StackName}-receiver"
_LOG_GROUP = "ReceiverLogGroup"
_ROLE = "ReceiverRole"
_SECRETS = (CALLBACK_SIGNING_SECRET,)
_ONE_INBOX = "OneInbox"
_IS_ONE_INBOX = f"Is{_ONE_INBOX}"

_DESCRIPTION = (
    "A receiver of callbacks, to try the stack on AWS with: not for production. Everybody can post to it. What has come"
    " is in one environment of the function, for as long as that lives; the log has all of it."
)

_HEADER = """\
The receiver of callbacks as a function of AWS Lambda: a template of AWS SAM, for a first try.

Generated from the code (stack/aws/receiver_template.py) by `make generate`: what is changed here is lost.
It is deployed by `make deploy TARGET=receiver STACK=name`, with the package of the functions. The callback_url of a
task is then its ReceiverUrl with `callback` behind it.

Everybody can post to it; who reads the inbox, empties it or makes it misbehave must have its token, which InboxUrl
has: no secret, but an id of the stack that those alone see who may look at the stack. What has come is in SQLite, in
/tmp of one environment of the function, for as long as that lives; Lambda makes another one, with an inbox of its own,
for each request that comes while all are busy, such as those of the page. The log has every callback, by its task_id:

    aws logs filter-log-events --log-group-name /aws/lambda/NAME-receiver --filter-pattern '{ $.task_id = "TASK" }'
"""


def render_receiver(code: str = CODE) -> str:
    """Return the template's text. `code` is the zip file of the functions, as seen from the template."""
    return yaml_text(_HEADER, receiver_template(code))


def receiver_template(code: str = CODE) -> dict[str, Any]:
    """Return the template: no setting of a user is in it."""
    url = {"Fn::GetAtt": [f"{FUNCTION}Url", "FunctionUrl"]}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::Serverless-2016-10-31",
        "Description": _DESCRIPTION,
        "Parameters": with_secret_parameters(_parameters(), _SECRETS),
        "Conditions": {**secret_conditions(_SECRETS), _IS_ONE_INBOX: {"Fn::Equals": [{"Ref": _ONE_INBOX}, "true"]}},
        "Globals": {"Function": {"CodeUri": code}},
        "Resources": {
            _LOG_GROUP: log_group(f"/aws/lambda/{_FULL_NAME}"),
            # To write the log, and nothing else.
            _ROLE: role("lambda.amazonaws.com", "work", [allow_to_log([_LOG_GROUP])]),
            FUNCTION: _function(),
        },
        "Outputs": {
            RECEIVER_URL_OUTPUT: {"Description": "Where it takes callbacks, at callback", "Value": url},
            INBOX_URL_OUTPUT: {
                "Description": "Where its inbox is, with the token that reads it",
                "Value": {"Fn::Sub": ["${Url}?token=${Token}", {"Url": url, "Token": _token()}]},
            },
        },
    }


def _function() -> Resource:
    return {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "FunctionName": {"Fn::Sub": _FULL_NAME},
            "Handler": "receiver.aws_lambda.handler",
            "Runtime": {"Ref": "PythonRuntime"},
            "Architectures": [{"Ref": "Architecture"}],
            "MemorySize": MEMORY_MB,
            "Timeout": TIMEOUT_SECONDS,
            "ReservedConcurrentExecutions": {"Fn::If": [_IS_ONE_INBOX, 1, NO_VALUE]},
            "Role": {"Fn::GetAtt": [_ROLE, "Arn"]},
            "LoggingConfig": {"LogGroup": {"Ref": _LOG_GROUP}},
            # SAM allows everybody to call it. https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
            "FunctionUrlConfig": {"AuthType": "NONE"},
            "Environment": {
                "Variables": {
                    "LOG_FORMAT": "json",
                    # Each callback is logged at it.
                    "LOG_LEVEL": "INFO",
                    # Of a name of its own: on a LocalStack all functions have this machine's /tmp.
                    "RECEIVER_DATABASE": {"Fn::Sub": f"/tmp/{_FULL_NAME}.sqlite3"},  # noqa: S108  # Lambda has no other
                    "RECEIVER_TOKEN": _token(),
                    CALLBACK_SIGNING_SECRET: dynamic_reference(CALLBACK_SIGNING_SECRET),
                }
            },
        },
    }


def _token() -> Resource:
    """Return the id at the end of the stack's ARN, which AWS makes, and who knows nothing of the stack does not guess.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/pseudo-parameter-reference.html
    """
    return {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}


def _parameters() -> dict[str, Resource]:
    return {
        **CODE_PARAMETERS,
        _ONE_INBOX: {
            "Type": "String",
            "Default": "false",
            "AllowedValues": ["true", "false"],
            "Description": "Reserves a concurrency of 1, so that there is one environment, and one inbox; an account"
            " must have that to spare. What comes while it is busy is refused by 429: callbacks, which come again, and"
            " most of what the page loads - then read /callbacks",
        },
        **LOG_PARAMETERS,
    }
