"""One service on ECS: its log group, its role, its task definition, and what keeps it running on Fargate.

As hardened as in docker-compose.yml, but for what Fargate does not have: /tmp cannot be written, as what is mounted
there belongs to root. No service needs it; a task type that does needs a VOLUME of the image, owned by its user.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/bind-mounts.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stack.aws.cloudformation import Resource, logical_id
from stack.aws.container_settings import API_PORT, HEALTH_PORT, USER_AND_GROUP
from stack.aws.load_balancer import LISTENER
from stack.aws.log_groups import log_group
from stack.aws.programs import Program
from stack.aws.queue_access import queue_statements
from stack.aws.roles import allow, allow_to_log, role
from stack.aws.secret_parameters import allow_to_read_secret, container_secret

_LIVES = f"import urllib.request as r; r.urlopen('http://127.0.0.1:{HEALTH_PORT}/healthcheck', timeout=4)"


_TASKS = "ecs-tasks.amazonaws.com"

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html (confused deputy)
_OF_THIS_ACCOUNT: Resource = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


@dataclass(frozen=True, slots=True)
class ContainerService:
    """A program as a service."""

    program: Program
    """By its kind the parameters begin that have its CPU, its memory and its number of tasks."""
    settings: Mapping[str, Any]
    """Its environment, but for the secrets."""
    stop_seconds: int


def service_id(name: str) -> str:
    """Return how the template names a service."""
    return f"{logical_id(name)}Service"


def service_resources(service: ContainerService) -> dict[str, Resource]:
    """Return all that one service consists of, but for its scaling."""
    program = service.program
    name = logical_id(program.name)
    return {
        _log_group_id(program): log_group(f"/ecs/${{AWS::StackName}}/{program.name}"),
        f"{name}TaskRole": role(
            _TASKS, "work", [*queue_statements(program.queues), *program.statements], condition=_OF_THIS_ACCOUNT
        ),
        f"{name}TaskDefinition": _task_definition(service),
        service_id(program.name): _service(service),
    }


def execution_role(services: Sequence[ContainerService]) -> Resource:
    """Return the role by which ECS starts them: it pulls the image, reads the secret and writes the logs."""
    repositories = "arn:${AWS::Partition}:ecr:*:${AWS::AccountId}:repository/*"
    statements = [
        allow(["ecr:GetAuthorizationToken"], "*"),
        allow(
            ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            {"Fn::Sub": repositories},
        ),
        allow_to_read_secret(),
        allow_to_log(_log_group_id(service.program) for service in services),
    ]
    return role(_TASKS, "start", statements, condition=_OF_THIS_ACCOUNT)


def _log_group_id(program: Program) -> str:
    return f"{logical_id(program.name)}LogGroup"


def _task_definition(service: ContainerService) -> Resource:
    program = service.program
    return {
        "Type": "AWS::ECS::TaskDefinition",
        "Properties": {
            "Family": {"Fn::Sub": f"${{AWS::StackName}}-{program.name}"},
            "RequiresCompatibilities": ["FARGATE"],
            "NetworkMode": "awsvpc",
            "RuntimePlatform": {"CpuArchitecture": {"Ref": "Architecture"}, "OperatingSystemFamily": "LINUX"},
            "Cpu": {"Ref": f"{program.kind}Cpu"},
            "Memory": {"Ref": f"{program.kind}Memory"},
            "ExecutionRoleArn": {"Fn::GetAtt": ["ExecutionRole", "Arn"]},
            "TaskRoleArn": {"Fn::GetAtt": [f"{logical_id(program.name)}TaskRole", "Arn"]},
            "ContainerDefinitions": [_container(service)],
        },
    }


def _container(service: ContainerService) -> Resource:
    program = service.program
    container: Resource = {
        "Name": program.name,
        "Image": {"Ref": "ImageUri"},
        "Command": list(program.command),
        "User": f"{USER_AND_GROUP}:{USER_AND_GROUP}",
        "ReadonlyRootFilesystem": True,
        "LinuxParameters": {"InitProcessEnabled": True, "Capabilities": {"Drop": ["ALL"]}},
        "StopTimeout": service.stop_seconds,
        # It lives: one that has nothing to receive from is not mended by another.
        "HealthCheck": {
            "Command": ["CMD", "python", "-c", _LIVES],
            "Interval": 30,
            "Timeout": 5,
            "Retries": 3,
            "StartPeriod": 60,
        },
        "Environment": [{"Name": name, "Value": value} for name, value in sorted(service.settings.items())],
        "Secrets": [container_secret(name) for name in program.secrets],
        "LogConfiguration": {
            "LogDriver": "awslogs",
            "Options": {
                "awslogs-group": {"Ref": _log_group_id(program)},
                "awslogs-region": {"Ref": "AWS::Region"},
                "awslogs-stream-prefix": program.name,
                # Where CloudWatch takes nothing, the work goes on.
                "mode": "non-blocking",
            },
        },
    }
    if program.kind == "Api":
        container["PortMappings"] = [{"ContainerPort": API_PORT, "Protocol": "tcp"}]
    return container


def _service(service: ContainerService) -> Resource:
    program = service.program
    group = "ApiSecurityGroup" if program.kind == "Api" else "WorkerSecurityGroup"
    properties: Resource = {
        "Cluster": {"Ref": "Cluster"},
        "LaunchType": "FARGATE",
        "TaskDefinition": {"Ref": f"{logical_id(program.name)}TaskDefinition"},
        "DeploymentConfiguration": _deployment(is_alone=program.kind == "Watcher"),
        "NetworkConfiguration": {
            "AwsvpcConfiguration": {
                # Those of a load balancer that the internet reaches are public, and have a way out by such an address.
                "AssignPublicIp": "ENABLED",
                "Subnets": {"Ref": "SubnetIds"},
                "SecurityGroups": [{"Ref": group}],
            }
        },
    }
    resource: Resource = {"Type": "AWS::ECS::Service", "Properties": properties}
    if program.kind == "Watcher":
        # To balance it over zones ECS would start a second one.
        properties |= {"DesiredCount": 1, "AvailabilityZoneRebalancing": "DISABLED"}
    # Elsewhere no number is said: an update would undo what the scaling has decided.
    if program.kind == "Api":
        target = {"ContainerName": program.name, "ContainerPort": API_PORT, "TargetGroupArn": {"Ref": "ApiTargetGroup"}}
        properties |= {"LoadBalancers": [target], "HealthCheckGracePeriodSeconds": 60}
        # ECS takes no target group that no listener has.
        resource["DependsOn"] = LISTENER
    return resource


def _deployment(*, is_alone: bool) -> Resource:
    return {
        "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True},
        "MinimumHealthyPercent": 0 if is_alone else 100,
        "MaximumPercent": 100 if is_alone else 200,
    }
