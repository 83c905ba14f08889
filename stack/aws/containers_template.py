"""`aws/containers.yaml`: the stack in containers on AWS, by CloudFormation, on ECS with Fargate.

The API behind a load balancer, a worker for each queue, the DLQ watcher; the console and the receiver stay at home.
"""

from collections.abc import Mapping
from typing import Any

from services.dlq_watcher.settings import WatcherSettings
from services.queues import CALLBACKS, define_queues
from services.task_types.loading import TaskTypes
from stack.aws.alarms import ALARM_CONDITIONS, ALARM_PARAMETERS, queue_alarms
from stack.aws.cloudformation import Resource
from stack.aws.container_service import ContainerService, execution_role, service_id, service_resources
from stack.aws.container_settings import API_PORT, HEALTH_PORT, LOG_FORMAT
from stack.aws.load_balancer import (
    LOAD_BALANCER_CONDITIONS,
    LOAD_BALANCER_PARAMETERS,
    api_url,
    closed_security_group,
    load_balancer_resources,
)
from stack.aws.log_groups import LOG_PARAMETERS
from stack.aws.network import SUBNETS_PARAMETER, VPC_PARAMETER
from stack.aws.programs import Kind, Program, programs, settings_of_containers
from stack.aws.queue_resources import PREFIX_PARAMETER, PREFIX_PARAMETERS, queue_resources
from stack.aws.scaling import SCALING_PARAMETERS, api_scaling, worker_scaling
from stack.aws.secret_parameters import READER_CONDITIONS, SECRET_RULES, secret_conditions, with_secret_parameters
from stack.aws.stopping import api_stop_seconds, consumer_stop_seconds, require_fargate_can_wait
from stack.aws.user_settings import read_settings, secret_settings
from stack.aws.yaml_text import yaml_text

_COMMENT = """\
The stack in containers on AWS: ECS on Fargate. Written by `make generate` from the queues (services/queues.py).
It is deployed by `make deploy TARGET=containers STACK=name`, with the settings of whoever deploys it."""

IMAGE_PARAMETER = "ImageUri"
MACHINE_PARAMETER = "Architecture"
API_URL_OUTPUT = "ApiUrl"

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html#fargate-tasks-size
_CPU = ["256", "512", "1024", "2048", "4096"]


def render_containers(task_types: TaskTypes, environment: Mapping[str, str]) -> str:
    """Return the template's text. Raises as `containers_template` does."""
    return yaml_text(_COMMENT, containers_template(task_types, environment))


def containers_template(task_types: TaskTypes, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the template for these task types and the settings of a user.

    Raises `StackError` where a program could not start with them, or not stop within the time that Fargate gives.
    """
    require_fargate_can_wait(environment)
    definitions = list(define_queues(task_types).values())
    services = [_service(program, environment) for program in programs(definitions, task_types)]
    window = read_settings(WatcherSettings, environment).alert_window_seconds
    secrets = secret_settings(task_types)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Async tasks in containers: an API, workers and a DLQ watcher on ECS with Fargate",
        "Parameters": with_secret_parameters(_parameters(), secrets),
        "Rules": SECRET_RULES,
        "Conditions": {
            **secret_conditions(secrets),
            **READER_CONDITIONS,
            **ALARM_CONDITIONS,
            **LOAD_BALANCER_CONDITIONS,
        },
        "Resources": {
            **queue_resources(definitions),
            **queue_alarms(definitions, window),
            **load_balancer_resources(),
            "WorkerSecurityGroup": closed_security_group("Workers and the DLQ watcher: nobody calls them"),
            "Cluster": {
                "Type": "AWS::ECS::Cluster",
                # RunningTaskCount, by which workers are scaled, is one of its metrics.
                "Properties": {"ClusterSettings": [{"Name": "containerInsights", "Value": "enabled"}]},
            },
            "ExecutionRole": execution_role(services),
            **{key: each for service in services for key, each in service_resources(service).items()},
            **{key: each for service in services for key, each in _scaling(service.program).items()},
        },
        "Outputs": {API_URL_OUTPUT: {"Description": "Where tasks are posted", "Value": api_url()}},
    }


def _service(program: Program, environment: Mapping[str, str]) -> ContainerService:
    settings: dict[str, Any] = {
        **settings_of_containers([program], environment),
        "AWS_DEFAULT_REGION": {"Ref": "AWS::Region"},
        # Who looks at its health is in the container.
        "HEALTH_HOST": "127.0.0.1",
        "HEALTH_PORT": str(HEALTH_PORT),
        "LOG_FORMAT": LOG_FORMAT,
        "QUEUE_NAME_PREFIX": {"Ref": PREFIX_PARAMETER},
    }
    if program.kind != "Api":
        return ContainerService(program, settings, consumer_stop_seconds(environment))
    settings |= {"API_HOST": "0.0.0.0", "API_PORT": str(API_PORT)}  # noqa: S104  # the container's
    return ContainerService(program, settings, api_stop_seconds(environment))


def _scaling(program: Program) -> dict[str, Resource]:
    service = service_id(program.name)
    if program.kind == "Api":
        return api_scaling(service)
    if program.queue is None:
        return {}
    # An age of hours is what the schedule of `callbacks` wants.
    return worker_scaling(program.queue, service, by_age=program.queue != CALLBACKS)


def _parameters() -> Resource:
    return {
        IMAGE_PARAMETER: {"Type": "String", "Description": "The project's image (Dockerfile), as ECS can pull it."},
        MACHINE_PARAMETER: {
            "Type": "String",
            "Default": "X86_64",
            "AllowedValues": ["X86_64", "ARM64"],
            "Description": "The processor that the image was built for.",
        },
        VPC_PARAMETER: {"Type": "AWS::EC2::VPC::Id", "Description": "Where all of it runs."},
        SUBNETS_PARAMETER: {
            "Type": "List<AWS::EC2::Subnet::Id>",
            "Description": "Public subnets of it, in two zones at least.",
        },
        **LOAD_BALANCER_PARAMETERS,
        **PREFIX_PARAMETERS,
        **_sizes("Api", cpu="512", memory="1024"),
        **_numbers("Api", least=2, most=4),
        **_sizes("Worker", cpu="1024", memory="2048"),
        **_numbers("Worker", least=1, most=10),
        **_sizes("Watcher", cpu="256", memory="512"),
        **SCALING_PARAMETERS,
        **LOG_PARAMETERS,
        **ALARM_PARAMETERS,
    }


def _sizes(kind: Kind, *, cpu: str, memory: str) -> Resource:
    return {
        f"{kind}Cpu": {
            "Type": "String",
            "Default": cpu,
            "AllowedValues": _CPU,
            "Description": "1024 are a core; a process uses one at most.",
        },
        f"{kind}Memory": {"Type": "String", "Default": memory, "Description": "MiB, as many as go with its CPU."},
    }


def _numbers(kind: Kind, *, least: int, most: int) -> Resource:
    whose = "The API's" if kind == "Api" else "Each queue's workers': the"
    return {
        f"{kind}MinTasks": {
            "Type": "Number",
            "Default": least,
            "MinValue": 1,
            "Description": f"{whose} least number of tasks.",
        },
        f"{kind}MaxTasks": {
            "Type": "Number",
            "Default": most,
            "MinValue": 1,
            "Description": f"{whose} largest number of tasks.",
        },
    }
