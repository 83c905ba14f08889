"""`aws/functions.yaml`: the services as functions of AWS Lambda, their queues and alarms, as a SAM template.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification.html
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

from services.api.settings import ApiSettings
from services.dlq_watcher.settings import WatcherSettings
from services.queueing.definition import QueueDefinition
from services.queues import FunctionTimeouts, define_queues
from services.runtime.settings import LONGEST_FUNCTION_SECONDS, needed_function_seconds
from services.settings import Settings
from services.task_types.loading import TaskTypes
from services.worker.settings import WorkerSettings
from stack.aws.alarms import ALARM_CONDITIONS, ALARM_PARAMETERS, function_alarms, queue_alarms
from stack.aws.cloudformation import Resource, logical_id
from stack.aws.functions import (
    FEWEST_CONCURRENT,
    Function,
    Trigger,
    function_of_api,
    functions_of_watcher,
    functions_of_workers,
)
from stack.aws.log_groups import LOG_PARAMETERS, log_group
from stack.aws.queue_access import queue_statements
from stack.aws.queue_resources import PREFIX_PARAMETER, PREFIX_PARAMETERS, queue_resource_id, queue_resources
from stack.aws.roles import allow_to_log, role
from stack.aws.secret_parameters import SECRET_RULES, dynamic_reference, secret_conditions, with_secret_parameters
from stack.aws.user_settings import (
    DECIDED_FOR_FUNCTIONS,
    ensure_it_starts,
    literal_settings,
    read_settings,
    secret_settings,
)
from stack.aws.yaml_text import yaml_text
from stack.config import Machine
from stack.errors import StackError
from stack.status import API

CODE = "../.stack/aws/functions.zip"
"""The code of all functions, as seen from the template: `sam package` takes no parameter for what it uploads."""

RUNTIMES = ("python3.11", "python3.12", "python3.13")
"""Lambda's names of the Pythons that the code runs on.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html"""

RUNTIME_PARAMETER = "PythonRuntime"
MACHINE_PARAMETER = "Architecture"

CODE_PARAMETERS: Mapping[str, Resource] = {
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
}

API_URL_OUTPUT = "ApiUrl"

_TIMEOUT_STEP_SECONDS = 30
"""So that not each change of a setting is another timeout of queues."""

_HEADER = """\
The services as functions of AWS Lambda, with their queues and alarms: a template of AWS SAM.

Generated from the code (stack/aws/functions_template.py) by `make generate`: what is changed here is lost.
It is deployed by `make deploy TARGET=lambda STACK=name`, with the settings of whoever deploys it.

Settings that are secret are in AWS Secrets Manager, and parameters say where. CloudFormation reads them when it
deploys, and anew only where a parameter is another one, as by another version of the secret. Who may read a function's
configuration sees those that the function has.
"""


def render_functions(task_types: TaskTypes, environment: Mapping[str, str], code: str = CODE) -> str:
    """Return the template's text for these task types and the settings that a user has set.

    `code` is the zip file of the functions, as seen from the template. Raises `StackError` where a function could not
    start with these settings.
    """
    return yaml_text(_HEADER, functions_template(task_types, environment, code))


def functions_template(task_types: TaskTypes, environment: Mapping[str, str], code: str = CODE) -> dict[str, Any]:
    """Return the template. Raises as `render_functions` does."""
    definitions = _definitions(task_types, environment)
    secrets = secret_settings(task_types)
    functions = _functions(task_types, definitions, environment, secrets)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::Serverless-2016-10-31",
        "Description": "Async tasks on SQS: an API, workers and a DLQ watcher, as functions",
        "Parameters": with_secret_parameters(_parameters(), secrets),
        "Rules": SECRET_RULES,
        "Conditions": {**secret_conditions(secrets), **ALARM_CONDITIONS},
        "Globals": {"Function": _globals(environment, code)},
        "Resources": {
            **_queues(definitions, functions),
            **{
                name: each
                for function in functions
                for name, each in _resources(function, environment, secrets).items()
            },
            **queue_alarms(definitions, _alert_window_seconds(environment)),
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
    """Return the queues, with room in their functions for the longest attempt that the settings allow.

    And not much more: for six times as long a message is hidden whose function was killed.
    """
    return list(define_queues(task_types, _timeouts(environment)).values())


def _timeouts(environment: Mapping[str, str]) -> FunctionTimeouts:
    """Return what the functions need that consume queues. Raises `StackError` where Lambda gives none as much."""
    worker = read_settings(WorkerSettings, environment)
    watcher = read_settings(WatcherSettings, environment)
    delivery = f"an attempt may take {worker.callback_timeout_seconds:g} seconds (CALLBACK_TIMEOUT_SECONDS)"
    return FunctionTimeouts(
        tasks=_timeout(worker.longest_attempt_seconds, worker.needs_of_attempt),
        callbacks=_timeout(worker.callback_timeout_seconds, delivery),
        watcher=_timeout(watcher.longest_attempt_seconds, watcher.needs_of_attempt),
    )


def _timeout(longest_attempt_seconds: float, needs: str) -> int:
    needed = needed_function_seconds(longest_attempt_seconds)
    if needed > LONGEST_FUNCTION_SECONDS:
        raise StackError(
            f"Lambda ends a function after {LONGEST_FUNCTION_SECONDS} seconds, and {needed} are needed: {needs}."
            " Lower that, or run the services in containers."
        )
    return math.ceil(needed / _TIMEOUT_STEP_SECONDS) * _TIMEOUT_STEP_SECONDS


def _functions(
    task_types: TaskTypes,
    definitions: Sequence[QueueDefinition],
    environment: Mapping[str, str],
    secrets: Collection[str],
) -> list[Function]:
    functions = [
        function_of_api(definitions, read_settings(ApiSettings, environment).enqueue_timeout_seconds, secrets),
        *functions_of_workers(definitions, task_types, secrets),
        *functions_of_watcher(definitions, _alert_window_seconds(environment), secrets),
    ]
    for function in functions:
        ensure_it_starts(
            f"The function {function.name}", function.settings, _literals(function, environment, secrets), secrets
        )
    return functions


def _literals(function: Function, environment: Mapping[str, str], secrets: Collection[str]) -> dict[str, str]:
    """Return its environment, but for the secrets: those too that it reads and has no use for."""
    own = literal_settings(function.settings, environment, DECIDED_FOR_FUNCTIONS, secrets)
    return {**function.environment, **own}


def _alert_window_seconds(environment: Mapping[str, str]) -> float:
    return read_settings(WatcherSettings, environment).alert_window_seconds


def _parameters() -> dict[str, Resource]:
    return {
        **PREFIX_PARAMETERS,
        **CODE_PARAMETERS,
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
        **LOG_PARAMETERS,
        **ALARM_PARAMETERS,
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
                # The SDK says in each request whose it is, by which Lambda ends loops of functions.
                "SQS_DIRECT_CALLS": "false",
            }
        },
    }


def _queues(definitions: Sequence[QueueDefinition], functions: Sequence[Function]) -> dict[str, Resource]:
    """Return the queues; what is gathered in a window is hidden for as long besides.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    """
    windows = {each.queue.name: each.window_seconds for function in functions for each in function.triggers}
    return queue_resources(
        [
            replace(queue, visibility_timeout_seconds=queue.visibility_timeout_seconds + windows.get(queue.name, 0))
            for queue in definitions
        ]
    )


def _resources(function: Function, environment: Mapping[str, str], secrets: Collection[str]) -> dict[str, Resource]:
    name = logical_id(function.name)
    role_id, log_group_id = f"{name}Role", f"{name}LogGroup"
    return {
        log_group_id: log_group(f"/aws/lambda/{_full_name(function)}"),
        # Without one of its own, SAM would give it AWSLambdaSQSQueueExecutionRole, which may take and delete the
        # messages of every queue of the account. The event source receives and deletes by it too.
        # https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSLambdaSQSQueueExecutionRole.html
        role_id: role(
            "lambda.amazonaws.com",
            "work",
            [allow_to_log([log_group_id]), *queue_statements(function.queues), *function.statements],
        ),
        function_id(function.name): {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "FunctionName": {"Fn::Sub": _full_name(function)},
                "Handler": function.handler,
                "Timeout": function.timeout_seconds,
                "Role": {"Fn::GetAtt": [role_id, "Arn"]},
                "LoggingConfig": {"LogGroup": {"Ref": log_group_id}},
                **_variables(function, environment, secrets),
                **_called_by(function),
            },
        },
    }


def _full_name(function: Function) -> str:
    return f"${{AWS::StackName}}-{function.name}"


def _variables(function: Function, environment: Mapping[str, str], secrets: Collection[str]) -> Resource:
    references = {name: dynamic_reference(name) for name in function.secrets}
    return {"Environment": {"Variables": {**_literals(function, environment, secrets), **references}}}


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
