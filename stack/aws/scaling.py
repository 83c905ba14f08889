"""How many tasks of a service run: between a minimum and a maximum, by what waits for it."""

from stack.aws.alarms import PERIOD_SECONDS, Metric, alarm, queue_metric, waiting_age
from stack.aws.cloudformation import Resource, logical_id

ACCEPTABLE_WAIT_SECONDS = 30
"""How long a task may wait for a worker in a burst: the example of docs/scaling.md."""

WORKER_TASKS_PER_SECOND = 45
"""What a worker with its default slots does of the slowest kind of task in docs/scaling.md ("What limits what")."""

WORKER_BACKLOG = ACCEPTABLE_WAIT_SECONDS * WORKER_TASKS_PER_SECOND
"""The messages that may wait for each worker: the acceptable latency by the time per message, as AWS has it.

https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-using-sqs-queue.html
"""

SECONDS_BETWEEN_SCALING_IN = 300
"""A worker that is stopped may cut attempts short, so none goes before the load has been low for a while."""

SECONDS_BETWEEN_SCALING_OUT = 60
"""CloudWatch has a value a minute: what was added shows in the next one."""

API_CPU_PERCENT = 70
"""docs/scaling.md, "What limits what": an API process accepts what its core can."""

_MINUTES_TOO_OLD = 2
_TOO_OLD_SECONDS = 4 * ACCEPTABLE_WAIT_SECONDS
"""Behind that, tasks take longer than `WORKER_TASKS_PER_SECOND` says: the backlog alone would not show it."""

BACKLOG_PARAMETER = "WorkerBacklog"

SCALING_PARAMETERS: Resource = {
    BACKLOG_PARAMETER: {
        "Type": "Number",
        "Default": WORKER_BACKLOG,
        "MinValue": 1,
        "Description": "Messages that may wait for each worker task: acceptable seconds by the tasks/s of a worker.",
    },
}


def api_scaling(service: str) -> dict[str, Resource]:
    """Return what scales the API, by the CPU of its tasks."""
    target = f"{service}ScalableTarget"
    configuration = {
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
        "TargetValue": API_CPU_PERCENT,
        "ScaleInCooldown": SECONDS_BETWEEN_SCALING_IN,
        "ScaleOutCooldown": SECONDS_BETWEEN_SCALING_OUT,
    }
    return {
        target: _scalable_target(service, "Api"),
        f"{service}CpuPolicy": _target_tracking(target, f"{service}Cpu", configuration),
    }


def worker_scaling(queue: str, service: str, *, by_age: bool) -> dict[str, Resource]:
    """Return what scales a worker: by the backlog of each of its tasks, and where `by_age` by the age of what waits.

    Where two policies disagree, the larger number of tasks counts. RunningTaskCount is a metric of Container Insights.
    A worker never goes to 0: nothing divides by that.
    https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-target-tracking-metric-math.html
    """
    target = f"{service}ScalableTarget"
    configuration = {
        "CustomizedMetricSpecification": {"Metrics": _backlog_per_task(queue, service)},
        "TargetValue": {"Ref": BACKLOG_PARAMETER},
        "ScaleInCooldown": SECONDS_BETWEEN_SCALING_IN,
        "ScaleOutCooldown": SECONDS_BETWEEN_SCALING_OUT,
    }
    resources = {
        target: _scalable_target(service, "Worker"),
        f"{service}BacklogPolicy": _target_tracking(target, f"{service}Backlog", configuration),
    }
    return {**resources, **_age_scaling(queue, service, target)} if by_age else resources


def _backlog_per_task(queue: str, service: str) -> list[Metric]:
    running = {
        "Namespace": "ECS/ContainerInsights",
        "MetricName": "RunningTaskCount",
        "Dimensions": [
            {"Name": "ClusterName", "Value": {"Ref": "Cluster"}},
            {"Name": "ServiceName", "Value": {"Fn::GetAtt": [service, "Name"]}},
        ],
    }
    visible = queue_metric(queue, "ApproximateNumberOfMessagesVisible")
    return [
        _query("visible", visible, "Maximum"),
        _query("running", running, "Average"),
        {"Id": "backlog", "Expression": "visible / running", "ReturnData": True},
    ]


def _query(identifier: str, metric: Metric, statistic: str) -> Metric:
    # Unlike that of an alarm it has no period: here each is a minute.
    return {"Id": identifier, "MetricStat": {"Metric": metric, "Stat": statistic}, "ReturnData": False}


def _age_scaling(queue: str, service: str, target: str) -> dict[str, Resource]:
    policy = f"{service}AgePolicy"
    adjustment = {"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}
    return {
        policy: {
            "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
            "Properties": {
                "PolicyName": policy,
                "PolicyType": "StepScaling",
                "ScalingTargetId": {"Ref": target},
                "StepScalingPolicyConfiguration": {
                    "AdjustmentType": "ChangeInCapacity",
                    "Cooldown": _MINUTES_TOO_OLD * PERIOD_SECONDS,
                    "MetricAggregationType": "Maximum",
                    "StepAdjustments": [adjustment],
                },
            },
        },
        f"{logical_id(queue)}TooOldAlarm": alarm(
            f"Tasks of {queue} wait: one more worker is started.",
            waiting_age(queue),
            at_least=_TOO_OLD_SECONDS,
            periods=_MINUTES_TOO_OLD,
            actions={"AlarmActions": [{"Ref": policy}]},
        ),
    }


def _scalable_target(service: str, kind: str) -> Resource:
    return {
        "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
        "Properties": {
            "ServiceNamespace": "ecs",
            "ScalableDimension": "ecs:service:DesiredCount",
            "ResourceId": {"Fn::Sub": f"service/${{Cluster}}/${{{service}.Name}}"},
            "MinCapacity": {"Ref": f"{kind}MinTasks"},
            "MaxCapacity": {"Ref": f"{kind}MaxTasks"},
        },
    }


def _target_tracking(target: str, name: str, configuration: Resource) -> Resource:
    return {
        "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
        "Properties": {
            "PolicyName": name,
            "PolicyType": "TargetTrackingScaling",
            "ScalingTargetId": {"Ref": target},
            "TargetTrackingScalingPolicyConfiguration": configuration,
        },
    }
