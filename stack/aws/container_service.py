"""One service on ECS: its log group, its role, its task definition, and what keeps it running on Fargate.

As hardened as in docker-compose.yml, but for what Fargate does not have: /tmp cannot be written, as what is mounted
there belongs to root. No service needs it; a task type that does needs a VOLUME of the image, owned by its user.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/bind-mounts.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stack.aws.container_settings import API_PORT, HEALTH_PORT, USER_AND_GROUP
from stack.aws.queue_access import Access, queue_policy
from stack.aws.queue_resources import Resource, logical_id

SECRET_PARAMETER = "SettingsSecretArn"  # noqa: S105  # the name of a parameter

_LIVES = f"import urllib.request as r; r.urlopen('http://127.0.0.1:{HEALTH_PORT}/healthcheck', timeout=4)"


@dataclass(frozen=True, slots=True)
class ContainerService:
    """What makes one service another."""

    name: str
    kind: str
    """Whose CPU, memory and number of tasks it has: the beginning of the names of these parameters."""
    command: Sequence[str]
    access: Access
    settings: Mapping[str, Any]
    secrets: Sequence[str]
    stop_seconds: int


def service_id(name: str) -> str:
    """Return how the template names a service."""
    return f"{logical_id(name)}Service"


def service_resources(service: ContainerService) -> dict[str, Resource]:
    """Return all that one service consists of, but for its scaling."""
    name = logical_id(service.name)
    return {
        f"{name}LogGroup": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {
                "LogGroupName": {"Fn::Sub": f"/ecs/${{AWS::StackName}}/{service.name}"},
                "RetentionInDays": {"Ref": "LogRetentionDays"},
            },
        },
        f"{name}TaskRole": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": tasks_may_assume_it(),
                "Policies": [{"PolicyName": "queues", "PolicyDocument": queue_policy(service.access)}],
            },
        },
        f"{name}TaskDefinition": _task_definition(service),
        service_id(service.name): _service(service),
    }


def execution_role(services: Sequence[ContainerService]) -> Resource:
    """Return the role by which ECS starts them: it pulls the image, reads the secret and writes the logs."""
    repositories = "arn:${AWS::Partition}:ecr:*:${AWS::AccountId}:repository/*"
    log_groups = [{"Fn::GetAtt": [f"{logical_id(service.name)}LogGroup", "Arn"]} for service in services]
    statements = [
        {"Effect": "Allow", "Action": ["ecr:GetAuthorizationToken"], "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            "Resource": {"Fn::Sub": repositories},
        },
        {"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue"], "Resource": {"Ref": SECRET_PARAMETER}},
        {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": log_groups},
    ]
    policy = {"PolicyName": "start", "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": tasks_may_assume_it(), "Policies": [policy]},
    }


def tasks_may_assume_it() -> Resource:
    """Return who may have a role: a task of this account.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html (confused deputy)
    """
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "ecs-tasks.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _task_definition(service: ContainerService) -> Resource:
    return {
        "Type": "AWS::ECS::TaskDefinition",
        "Properties": {
            "Family": {"Fn::Sub": f"${{AWS::StackName}}-{service.name}"},
            "RequiresCompatibilities": ["FARGATE"],
            "NetworkMode": "awsvpc",
            "RuntimePlatform": {"CpuArchitecture": {"Ref": "Architecture"}, "OperatingSystemFamily": "LINUX"},
            "Cpu": {"Ref": f"{service.kind}Cpu"},
            "Memory": {"Ref": f"{service.kind}Memory"},
            "ExecutionRoleArn": {"Fn::GetAtt": ["ExecutionRole", "Arn"]},
            "TaskRoleArn": {"Fn::GetAtt": [f"{logical_id(service.name)}TaskRole", "Arn"]},
            "ContainerDefinitions": [_container(service)],
        },
    }


def _container(service: ContainerService) -> Resource:
    container: Resource = {
        "Name": service.name,
        "Image": {"Ref": "ImageUri"},
        "Command": list(service.command),
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
        "Secrets": [{"Name": name, "ValueFrom": _secret(name)} for name in service.secrets],
        "LogConfiguration": {
            "LogDriver": "awslogs",
            "Options": {
                "awslogs-group": {"Ref": f"{logical_id(service.name)}LogGroup"},
                "awslogs-region": {"Ref": "AWS::Region"},
                "awslogs-stream-prefix": service.name,
                # Where CloudWatch takes nothing, the work goes on.
                "mode": "non-blocking",
            },
        },
    }
    if service.kind == "Api":
        container["PortMappings"] = [{"ContainerPort": API_PORT, "Protocol": "tcp"}]
    return container


def _secret(name: str) -> Resource:
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
    return {"Fn::Sub": f"${{{SECRET_PARAMETER}}}:{name}::"}


def _service(service: ContainerService) -> Resource:
    group = "ApiSecurityGroup" if service.kind == "Api" else "WorkerSecurityGroup"
    properties: Resource = {
        "Cluster": {"Ref": "Cluster"},
        "LaunchType": "FARGATE",
        "TaskDefinition": {"Ref": f"{logical_id(service.name)}TaskDefinition"},
        "DeploymentConfiguration": _deployment(is_alone=service.kind == "Watcher"),
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
    if service.kind == "Watcher":
        # To balance it over zones ECS would start a second one.
        properties |= {"DesiredCount": 1, "AvailabilityZoneRebalancing": "DISABLED"}
    # Elsewhere no number is said: an update would undo what the scaling has decided.
    if service.kind == "Api":
        target = {"ContainerName": service.name, "ContainerPort": API_PORT, "TargetGroupArn": {"Ref": "ApiTargetGroup"}}
        properties |= {"LoadBalancers": [target], "HealthCheckGracePeriodSeconds": 60}
        # ECS takes no target group that no listener has.
        resource["DependsOn"] = "ApiListener"
    return resource


def _deployment(*, is_alone: bool) -> Resource:
    return {
        "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True},
        "MinimumHealthyPercent": 0 if is_alone else 100,
        "MaximumPercent": 100 if is_alone else 200,
    }
