"""`aws/containers.yaml`: the stack in containers on AWS, by CloudFormation, on ECS with Fargate.

The API behind a load balancer, a worker for each queue, the DLQ watcher; the console and the receiver stay at home.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from services.queueing.definition import QueueDefinition
from services.queues import CALLBACKS
from stack.aws.container_service import (
    SECRET_PARAMETER,
    ContainerService,
    execution_role,
    service_id,
    service_resources,
)
from stack.aws.container_settings import (
    API_PORT,
    API_SECRETS,
    HEALTH_PORT,
    WATCHER_SECRETS,
    WORKER_SECRETS,
    plain_settings,
)
from stack.aws.load_balancer import (
    LOAD_BALANCER_CONDITIONS,
    LOAD_BALANCER_PARAMETERS,
    api_url,
    closed_security_group,
    load_balancer_resources,
)
from stack.aws.queue_access import api_access, watcher_access, worked_queues, worker_access
from stack.aws.queue_alarms import ALARM_CONDITIONS, ALARM_PARAMETERS, alarm_resources
from stack.aws.queue_resources import PREFIX_PARAMETER, Resource, queue_resources
from stack.aws.queues_template import PREFIX
from stack.aws.rendered_yaml import as_yaml
from stack.aws.scaling import SCALING_PARAMETERS, api_scaling, worker_scaling
from stack.aws.stopping import api_stop_seconds, consumer_stop_seconds, require_fargate_can_wait

_COMMENT = """\
The stack in containers on AWS: ECS on Fargate. Written by `make generate` from the queues (services/queues.py)."""

_API = "api"

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html#fargate-tasks-size
_CPU = ["256", "512", "1024", "2048", "4096"]
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
_RETENTION_DAYS = [
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
]


def containers_template(definitions: Sequence[QueueDefinition], environment: Mapping[str, str]) -> str:
    """Return the template as YAML, with these settings of the user.

    Raises `StackError` where a service could not stop within the time that Fargate gives.
    """
    require_fargate_can_wait(environment)
    services = _services(definitions, environment)
    return as_yaml(
        _COMMENT,
        {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": "Async tasks in containers: an API, workers and a DLQ watcher on ECS with Fargate",
            "Parameters": _parameters(),
            "Conditions": {**ALARM_CONDITIONS, **LOAD_BALANCER_CONDITIONS},
            "Resources": {
                **queue_resources(definitions),
                **alarm_resources(definitions),
                **load_balancer_resources(),
                "WorkerSecurityGroup": closed_security_group("Workers and the DLQ watcher: nobody calls them"),
                "Cluster": {
                    "Type": "AWS::ECS::Cluster",
                    # RunningTaskCount, by which workers are scaled, is one of its metrics.
                    "Properties": {"ClusterSettings": [{"Name": "containerInsights", "Value": "enabled"}]},
                },
                "ExecutionRole": execution_role(services),
                **{key: each for service in services for key, each in service_resources(service).items()},
                **_scaling(definitions),
            },
            "Outputs": {"ApiUrl": {"Description": "Where tasks are posted", "Value": api_url()}},
        },
    )


def _services(definitions: Sequence[QueueDefinition], environment: Mapping[str, str]) -> list[ContainerService]:
    settings = _settings(environment)
    api_settings = {**settings, "API_HOST": "0.0.0.0", "API_PORT": str(API_PORT)}  # noqa: S104  # the container's
    api = ContainerService(
        _API,
        "Api",
        ["python", "-m", "services.api"],
        api_access(definitions),
        api_settings,
        API_SECRETS,
        api_stop_seconds(environment),
    )
    stop_seconds = consumer_stop_seconds(environment)
    workers = [
        ContainerService(
            _worker(queue),
            "Worker",
            ["python", "-m", "services.worker", queue],
            worker_access(queue),
            settings,
            WORKER_SECRETS,
            stop_seconds,
        )
        for queue in worked_queues(definitions)
    ]
    watcher = ContainerService(
        "dlq-watcher",
        "Watcher",
        ["python", "-m", "services.dlq_watcher"],
        watcher_access(definitions),
        settings,
        WATCHER_SECRETS,
        stop_seconds,
    )
    return [api, *workers, watcher]


def _worker(queue: str) -> str:
    return f"worker-{queue}"


def _settings(environment: Mapping[str, str]) -> dict[str, Any]:
    # Who looks at its health is in the container.
    settings = plain_settings(environment, {"HEALTH_HOST": "127.0.0.1", "HEALTH_PORT": str(HEALTH_PORT)})
    return {**settings, "AWS_DEFAULT_REGION": {"Ref": "AWS::Region"}, "QUEUE_NAME_PREFIX": {"Ref": PREFIX_PARAMETER}}


def _scaling(definitions: Sequence[QueueDefinition]) -> dict[str, Resource]:
    resources = api_scaling(service_id(_API))
    for queue in worked_queues(definitions):
        # An age of hours is what the schedule of `callbacks` wants.
        service = service_id(_worker(queue))
        resources |= worker_scaling(queue, service, by_age=queue != CALLBACKS)
    return resources


def _parameters() -> Resource:
    return {
        "ImageUri": {"Type": "String", "Description": "The project's image (Dockerfile), as ECS can pull it."},
        "Architecture": {
            "Type": "String",
            "Default": "X86_64",
            "AllowedValues": ["X86_64", "ARM64"],
            "Description": "The processor that the image was built for.",
        },
        "VpcId": {"Type": "AWS::EC2::VPC::Id", "Description": "Where all of it runs."},
        "SubnetIds": {
            "Type": "List<AWS::EC2::Subnet::Id>",
            "Description": "Public subnets of it, in two zones at least.",
        },
        **LOAD_BALANCER_PARAMETERS,
        SECRET_PARAMETER: {
            "Type": "String",
            "AllowedPattern": "arn:[^:]+:secretsmanager:.+",
            "Description": (
                "The secret of Secrets Manager: JSON with API_KEYS, CALLBACK_SIGNING_SECRET and SLACK_BOT_TOKEN."
                " All three must be there, or nothing starts; the latter two may be empty."
                " A SLACK_BOT_TOKEN needs the setting SLACK_CHANNEL."
            ),
        },
        PREFIX_PARAMETER: PREFIX,
        **_sizes("Api", cpu="512", memory="1024"),
        **_numbers("Api", least=2, most=4),
        **_sizes("Worker", cpu="1024", memory="2048"),
        **_numbers("Worker", least=1, most=10),
        **_sizes("Watcher", cpu="256", memory="512"),
        **SCALING_PARAMETERS,
        "LogRetentionDays": {
            "Type": "Number",
            "Default": 30,
            "AllowedValues": _RETENTION_DAYS,
            "Description": "Days that logs are kept.",
        },
        **ALARM_PARAMETERS,
    }


def _sizes(kind: str, *, cpu: str, memory: str) -> Resource:
    return {
        f"{kind}Cpu": {
            "Type": "String",
            "Default": cpu,
            "AllowedValues": _CPU,
            "Description": "1024 are a core; a process uses one at most.",
        },
        f"{kind}Memory": {"Type": "String", "Default": memory, "Description": "MiB, as many as go with its CPU."},
    }


def _numbers(kind: str, *, least: int, most: int) -> Resource:
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
