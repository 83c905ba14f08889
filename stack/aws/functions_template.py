"""`aws/functions.yaml`: the services as functions of AWS Lambda, their queues and alarms, as a SAM template.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

from services.api.settings import ApiSettings
from services.dlq_watcher.settings import WatcherSettings
from services.queueing.decisions import RetryPolicy
from services.queueing.definition import QueueDefinition
from services.queueing.settings import QUEUE_NAME_PREFIX_PATTERN
from services.queueing.timing import JITTER
from services.queues import CALLBACKS, TASK_FUNCTION_TIMEOUT_SECONDS, define_queues
from services.settings import Settings
from services.task_types.loading import TaskTypes
from services.worker.settings import WorkerSettings
from stack.aws.alarms import TOPIC_CONDITION, TOPIC_PARAMETER, function_alarms, queue_alarms
from stack.aws.function_role import role_of
from stack.aws.function_settings import SECRET_SETTINGS, literal_settings, read_settings, secret_parameter
from stack.aws.functions import (
    API,
    FEWEST_CONCURRENT,
    Function,
    Trigger,
    function_of_api,
    functions_of_watcher,
    functions_of_workers,
)
from stack.aws.queue_resources import PREFIX_PARAMETER, Resource, logical_id, queue_resource_id, queue_resources
from stack.aws.yaml_text import yaml_text
from stack.config import Machine
from stack.errors import StackError

CODE = "../.stack/aws/functions.zip"
"""The code of all functions, as seen from the template: `sam package` takes no parameter for what it uploads."""

RUNTIMES = ("python3.11", "python3.12", "python3.13")
"""Lambda's names of the Pythons that the code runs on.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html"""

RUNTIME_PARAMETER = "PythonRuntime"
MACHINE_PARAMETER = "Architecture"

API_URL_OUTPUT = "ApiUrl"

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
_RETENTIONS_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545),
    *(731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)

_HEADER = f"""\
The services as functions of AWS Lambda, with their queues and alarms: a template of AWS SAM.

Generated from the code (stack/aws/functions_template.py) by `make generate`: what is changed here is lost.
It is deployed by `make deploy TARGET=lambda STACK=name`, with the settings of whoever deploys it.

{", ".join(SECRET_SETTINGS)} are in AWS Secrets Manager, and a parameter says where each
is. CloudFormation reads them when it deploys, and anew only where a parameter is another one, as by another version of
the secret. Who may read a function's configuration sees those that the function has.
"""


def render_functions(task_types: TaskTypes, environment: Mapping[str, str], code: str = CODE) -> str:
    """Return the template's text for these task types and the settings that a user has set.

    `code` is the zip file of the functions, as seen from the template. Raises `StackError` where a function could not
    start with these settings.
    """
    return yaml_text(functions_template(task_types, environment, code), _HEADER)


def functions_template(task_types: TaskTypes, environment: Mapping[str, str], code: str = CODE) -> dict[str, Any]:
    """Return the template. Raises as `render_functions` does."""
    definitions = _definitions(task_types, environment)
    functions = _functions(task_types, definitions, environment)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::Serverless-2016-10-31",
        "Description": "Async tasks on SQS: an API, workers and a DLQ watcher, as functions",
        "Parameters": _parameters(),
        "Conditions": {
            **{_has_secret(name): _is_set(secret_parameter(name)) for name in SECRET_SETTINGS},
            TOPIC_CONDITION: _is_set(TOPIC_PARAMETER),
        },
        "Globals": {"Function": _globals(environment, code)},
        "Resources": {
            **_queues(definitions, functions),
            **{name: each for function in functions for name, each in _resources(function, environment).items()},
            **queue_alarms(definitions, _longest_work_seconds(task_types, definitions, environment)),
            **{
                name: alarm
                for function in functions
                for name, alarm in function_alarms(function.name, function_id(function.name)).items()
            },
        },
        "Outputs": {
            API_URL_OUTPUT: {
                "Description": "Where the API takes tasks",
                # By this name SAM makes the URL of a function.
                "Value": {"Fn::GetAtt": [f"{function_id(API)}Url", "FunctionUrl"]},
            }
        },
    }


def function_id(name: str) -> str:
    """Return how the template names a function."""
    return f"{logical_id(name)}Function"


def _definitions(task_types: TaskTypes, environment: Mapping[str, str]) -> list[QueueDefinition]:
    """Return the queues, with room in their functions for the longest attempt that the settings allow."""
    needed = read_settings(WorkerSettings, environment).needed_function_seconds
    timeout = max(TASK_FUNCTION_TIMEOUT_SECONDS, needed)
    return list(define_queues(task_types, task_function_timeout_seconds=timeout).values())


def _functions(
    task_types: TaskTypes, definitions: Sequence[QueueDefinition], environment: Mapping[str, str]
) -> list[Function]:
    functions = [
        function_of_api(task_types, read_settings(ApiSettings, environment).enqueue_timeout_seconds),
        *functions_of_workers(definitions, task_types),
        *functions_of_watcher(definitions, read_settings(WatcherSettings, environment).alert_window_seconds),
    ]
    for function in functions:
        _ensure_it_starts(function, environment)
    return functions


def _ensure_it_starts(function: Function, environment: Mapping[str, str]) -> None:
    given = {**literal_settings(function.settings, environment), **function.environment}
    for settings_class in function.settings:
        try:
            read_settings(settings_class, given)
        except StackError as error:
            raise StackError(f"The function {function.name} could not start: {error}") from error


def _longest_work_seconds(
    task_types: TaskTypes, definitions: Sequence[QueueDefinition], environment: Mapping[str, str]
) -> dict[str, float]:
    """Return how long the attempts at a message of each worker's queue, and the waits between them, may take."""
    schedule = read_settings(WorkerSettings, environment).callback_retry_schedule_seconds
    waits = {CALLBACKS: sum(schedule)}
    for name, task_type in task_types.items():
        policy = RetryPolicy.exponential(task_type.max_attempts, task_type.retry_delay_seconds)
        waits[name] = sum(policy.wait_after(attempt) for attempt in range(1, task_type.max_attempts))
    return {
        queue.name: (queue.max_attempts or 1) * (queue.function_timeout_seconds or 0) + waits[queue.name] * (1 + JITTER)
        for queue in definitions
        if queue.consumer == "worker"
    }


def _is_set(parameter: str) -> Resource:
    return {"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, ""]}]}


def _parameters() -> dict[str, Resource]:
    return {
        PREFIX_PARAMETER: {
            "Type": "String",
            "Default": "",
            "AllowedPattern": QUEUE_NAME_PREFIX_PATTERN,
            "Description": "Goes before each queue's name, so that several stacks can share an account",
        },
        RUNTIME_PARAMETER: {
            "Type": "String",
            "Default": "python3.13",
            "AllowedValues": [*RUNTIMES],
            "Description": "What the code was put together for",
        },
        MACHINE_PARAMETER: {
            "Type": "String",
            "Default": "x86_64",
            "AllowedValues": [*get_args(Machine)],
            "Description": "What the code was put together for",
        },
        "MemorySize": {
            "Type": "Number",
            "Default": 512,
            "MinValue": 128,
            "MaxValue": 10_240,
            "Description": "MB of each function, which has its share of a core by it",
        },
        "MaximumConcurrency": {
            "Type": "Number",
            "Default": 10,
            "MinValue": FEWEST_CONCURRENT,
            "MaxValue": 1000,
            "Description": "Batches of each queue that are worked at a time",
        },
        "LogRetentionDays": {
            "Type": "Number",
            "Default": 30,
            "AllowedValues": [*_RETENTIONS_DAYS],
            "Description": "Days that logs are kept",
        },
        TOPIC_PARAMETER: {
            "Type": "String",
            "Default": "",
            "Description": "The SNS topic that alarms go to; empty - they are shown in CloudWatch alone",
        },
        **{secret_parameter(name): _parameter_of_secret(name) for name in SECRET_SETTINGS},
    }


def _globals(environment: Mapping[str, str], code: str) -> Resource:
    return {
        "Runtime": {"Ref": RUNTIME_PARAMETER},
        "Architectures": [{"Ref": MACHINE_PARAMETER}],
        "MemorySize": {"Ref": "MemorySize"},
        "CodeUri": code,
        "Environment": {
            "Variables": {
                "LOG_FORMAT": "json",
                "LOG_LEVEL": read_settings(Settings, environment).log_level,
                # Nobody scrapes a function: CloudWatch measures it.
                "METRICS_ENABLED": "false",
                "QUEUE_NAME_PREFIX": {"Ref": PREFIX_PARAMETER},
            }
        },
    }


def _queues(definitions: Sequence[QueueDefinition], functions: Sequence[Function]) -> dict[str, Resource]:
    """Return the queues; what is gathered in a window is hidden for as long besides.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    """
    windows = {each.queue.name: each.window_seconds for function in functions for each in function.triggers}
    resources = queue_resources(
        replace(queue, visibility_timeout_seconds=queue.visibility_timeout_seconds + windows.get(queue.name, 0))
        for queue in definitions
    )
    if len(resources) < len(definitions):
        raise StackError("Two task types have names that differ by hyphens alone: CloudFormation has one for both.")
    return resources


def _resources(function: Function, environment: Mapping[str, str]) -> dict[str, Resource]:
    name = logical_id(function.name)
    role, log_group = f"{name}Role", f"{name}LogGroup"
    return {
        log_group: {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {
                "LogGroupName": {"Fn::Sub": f"/aws/lambda/{_full_name(function)}"},
                "RetentionInDays": {"Ref": "LogRetentionDays"},
            },
        },
        role: role_of(function, log_group),
        function_id(function.name): {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "FunctionName": {"Fn::Sub": _full_name(function)},
                "Handler": function.handler,
                "Timeout": function.timeout_seconds,
                "Role": {"Fn::GetAtt": [role, "Arn"]},
                "LoggingConfig": {"LogGroup": {"Ref": log_group}},
                **_variables(function, environment),
                **_called_by(function),
            },
        },
    }


def _full_name(function: Function) -> str:
    return f"${{AWS::StackName}}-{function.name}"


def _variables(function: Function, environment: Mapping[str, str]) -> Resource:
    literal = {**function.environment, **literal_settings(function.settings, environment)}
    return {"Environment": {"Variables": {**literal, **{name: _secret(name) for name in function.secrets}}}}


def _secret(name: str) -> Resource:
    """Return what CloudFormation puts in when it deploys.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html
    """
    reference = f"{{{{resolve:secretsmanager:${{{secret_parameter(name)}}}}}}}"
    return {"Fn::If": [_has_secret(name), {"Fn::Sub": reference}, {"Ref": "AWS::NoValue"}]}


def _parameter_of_secret(name: str) -> Resource:
    return {
        "Type": "String",
        "Default": "",
        "Description": f"Where {name} is in Secrets Manager, as id:SecretString:{name}::version; empty - it is unset",
    }


def _has_secret(name: str) -> str:
    return f"Has{secret_parameter(name)}"


def _called_by(function: Function) -> Resource:
    if function.triggers:
        return {"Events": {queue_resource_id(each.queue.name): _event(each) for each in function.triggers}}
    # SAM allows everybody to call it: both actions that a public URL needs since October 2025.
    # https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
    return {"FunctionUrlConfig": {"AuthType": "NONE"}}


def _event(trigger: Trigger) -> Resource:
    """Return an event source: never one with FilterCriteria, as it deletes without a trace what does not match."""
    most = trigger.max_concurrency or {"Ref": "MaximumConcurrency"}
    return {
        "Type": "SQS",
        "Properties": {
            "Queue": {"Fn::GetAtt": [queue_resource_id(trigger.queue.name), "Arn"]},
            "BatchSize": trigger.batch_size,
            "MaximumBatchingWindowInSeconds": trigger.window_seconds,
            # Without it Lambda ignores what the function answers, and deletes the batch.
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "ScalingConfig": {"MaximumConcurrency": most},
        },
    }
