"""The alarms of CloudWatch on the queues: what a person is to know that no service can tell.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
"""

from collections.abc import Iterable
from typing import Any

from services.queueing.definition import QueueDefinition
from services.queues import CALLBACKS, UNDELIVERED
from stack.aws.queue_resources import Resource, logical_id, queue_name

TOPIC_PARAMETER = "AlarmTopicArn"
AGE_PARAMETER = "OldestMessageAlarmSeconds"

ALARM_PARAMETERS: Resource = {
    TOPIC_PARAMETER: {
        "Type": "String",
        "Default": "",
        "Description": "The SNS topic that alarms go to; empty, they only show in CloudWatch.",
    },
    AGE_PARAMETER: {
        "Type": "Number",
        "Default": 300,
        "MinValue": 60,
        "Description": "Seconds that the oldest task may wait before there is an alarm.",
    },
}
ALARM_CONDITIONS: Resource = {"HasAlarmTopic": {"Fn::Not": [{"Fn::Equals": [{"Ref": TOPIC_PARAMETER}, ""]}]}}

MOST_IN_FLIGHT_ON_CALLBACKS = 90_000
"""At 120 000 a standard queue gives out nothing more: three quarters of it leave time to act (docs/scaling.md)."""

PERIOD_SECONDS = 60
_MINUTES_UNTIL_REPORTED = 15
"""The DLQ watcher tries again every 5 minutes at the latest what it cannot report."""


def queue_metric(name: str, metric: str) -> dict[str, Any]:
    """Return one of SQS's metrics of a queue."""
    dimensions = [{"Name": "QueueName", "Value": queue_name(name)}]
    return {"Namespace": "AWS/SQS", "MetricName": metric, "Dimensions": dimensions}


def waiting_age(name: str) -> list[dict[str, Any]]:
    """Return how long the oldest message of a queue has waited for a worker, in seconds: 0 where none waits.

    SQS's own age goes on while a message is worked, and while it waits out a retry.
    """
    return [
        _query("visible", queue_metric(name, "ApproximateNumberOfMessagesVisible")),
        _query("age", queue_metric(name, "ApproximateAgeOfOldestMessage")),
        {"Id": "waiting", "Expression": "IF(visible > 0, age, 0)", "ReturnData": True},
    ]


def alarm_resources(definitions: Iterable[QueueDefinition]) -> dict[str, Resource]:
    """Return the alarms by their logical ids; they need `ALARM_PARAMETERS` and `ALARM_CONDITIONS`."""
    alarms: dict[str, Resource] = {}
    for definition in definitions:
        name = definition.name
        if definition.source_queue is not None:
            alarms[f"{logical_id(name)}StuckAlarm"] = _stuck(name)
        elif name == UNDELIVERED:
            alarms[f"{logical_id(name)}Alarm"] = _undelivered()
        elif name == CALLBACKS:
            # An age of hours is what its schedule wants.
            alarms[f"{logical_id(name)}InFlightAlarm"] = _in_flight(name)
        elif definition.consumer == "worker":
            alarms[f"{logical_id(name)}AgeAlarm"] = _age(name)
    return alarms


def _stuck(name: str) -> Resource:
    both = [
        _query("visible", queue_metric(name, "ApproximateNumberOfMessagesVisible")),
        _query("inflight", queue_metric(name, "ApproximateNumberOfMessagesNotVisible")),
        {"Id": "dead", "Expression": "visible + inflight", "ReturnData": True},
    ]
    description = f"Dead messages stay in {name}: the DLQ watcher does not run, or cannot report them."
    return _alarm(description, both, at_least=1, minutes=_MINUTES_UNTIL_REPORTED)


def _undelivered() -> Resource:
    description = f"A message is kept in {UNDELIVERED}: nobody has taken its outcome, and a person has to redrive it."
    query = _query("visible", queue_metric(UNDELIVERED, "ApproximateNumberOfMessagesVisible"), is_result=True)
    return _alarm(description, [query], at_least=1, minutes=1)


def _in_flight(name: str) -> Resource:
    description = f"So many outcomes wait in {name} for receivers that are down that it may soon give out no other."
    query = _query("inflight", queue_metric(name, "ApproximateNumberOfMessagesNotVisible"), is_result=True)
    return _alarm(description, [query], at_least=MOST_IN_FLIGHT_ON_CALLBACKS, minutes=5)


def _age(name: str) -> Resource:
    description = f"Tasks of {name} wait too long: its workers are too few, or do not work."
    return _alarm(description, waiting_age(name), at_least={"Ref": AGE_PARAMETER}, minutes=5)


def _query(identifier: str, metric: dict[str, Any], *, is_result: bool = False) -> dict[str, Any]:
    statistic = {"Metric": metric, "Period": PERIOD_SECONDS, "Stat": "Maximum"}
    return {"Id": identifier, "MetricStat": statistic, "ReturnData": is_result}


def _alarm(description: str, metrics: list[dict[str, Any]], *, at_least: Any, minutes: int) -> Resource:
    actions = {"Fn::If": ["HasAlarmTopic", [{"Ref": TOPIC_PARAMETER}], {"Ref": "AWS::NoValue"}]}
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmDescription": description,
            "Metrics": metrics,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "Threshold": at_least,
            "EvaluationPeriods": minutes,
            # SQS says nothing of a queue that nobody has used for hours.
            "TreatMissingData": "notBreaching",
            "AlarmActions": actions,
            "OKActions": actions,
        },
    }
