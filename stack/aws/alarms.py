"""What a person is to look at, as CloudWatch alarms: each stands for something that does not go away by itself.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from services.primitives.sqs_limits import MAX_IN_FLIGHT
from services.queueing.definition import QueueDefinition
from services.queues import ALERTS, CALLBACKS, UNDELIVERED
from stack.aws.cloudformation import NO_VALUE, Resource, is_set, logical_id
from stack.aws.queue_resources import queue_name

Metric = dict[str, Any]
"""One of an alarm's metrics, or what is computed of those before it."""

_TOPIC_PARAMETER = "AlarmTopicArn"
_TOPIC_CONDITION = "HasAlarmTopic"
_AGE_PARAMETER = "OldestMessageAlarmSeconds"

WAITED_TOO_LONG_SECONDS = 600
"""Longer than one attempt may take by default (`FunctionTimeouts`), as the age goes on meanwhile, and a
moment of much to do beside it is no backlog. Who has to be faster says half of the wait that is acceptable."""

ALARM_PARAMETERS: Resource = {
    _TOPIC_PARAMETER: {
        "Type": "String",
        "Default": "",
        "Description": "The SNS topic that alarms go to; empty, they only show in CloudWatch.",
    },
    _AGE_PARAMETER: {
        "Type": "Number",
        "Default": WAITED_TOO_LONG_SECONDS,
        "MinValue": 60,
        "Description": "Seconds that the oldest task may wait before there is an alarm.",
    },
}
ALARM_CONDITIONS: Resource = {_TOPIC_CONDITION: is_set(_TOPIC_PARAMETER)}

PERIOD_SECONDS = 60
"""As often SQS reports of a queue that is in use."""

_MINUTES_OF_BACKLOG = 5
"""A burst is worked within them, or scaled for."""

_MINUTES_UNTIL_REPORTED = 15
"""Three times the longest wait until the DLQ watcher tries again what it could not report (dead_letter_work.py)."""

_MINUTES_UNTIL_RECEIVED = 5
"""Several times the longest poll: so long nobody has even asked for what waits."""

FEWEST_UNDELIVERED = 1
"""Each waits for a person, and is deleted after 14 days."""

MOST_IN_FLIGHT = MAX_IN_FLIGHT * 3 // 4
"""Of the outcomes that wait hidden for their next delivery attempt. At SQS's limit a queue gives out nothing more: this
leaves time to act (docs/scaling.md, "Limits of SQS that bind")."""

FEWEST_ERRORS = 1
"""An attempt that fails is none: each is a function that was ended, did not start, or ran out of time or memory."""

FEWEST_THROTTLES = 1
"""A throttled function lets messages lie whose receives SQS counts: where one attempt is all there is, none is left."""

_FUNCTION_PERIOD_SECONDS = 300
"""Events that are this close to each other are one alarm."""


def queue_alarms(definitions: Iterable[QueueDefinition], alert_window_seconds: float) -> dict[str, Resource]:
    """Return the alarms on queues by their logical ids; they need `ALARM_PARAMETERS` and `ALARM_CONDITIONS`.

    `alert_window_seconds`: how long alerts are gathered before they are told.
    """
    return {name: each for queue in definitions for name, each in _alarms_of(queue, alert_window_seconds).items()}


def _alarms_of(queue: QueueDefinition, alert_window_seconds: float) -> dict[str, Resource]:
    name, id_ = queue.name, logical_id(queue.name)
    if name == UNDELIVERED:
        return {f"{id_}MessagesAlarm": _undelivered()}
    if name == ALERTS:
        # Not by its age, from which SQS leaves out what was received three times: that is all, where Slack is down.
        minutes = _MINUTES_UNTIL_REPORTED + math.ceil(alert_window_seconds / 60)
        text = f"Alerts stay in {name}: nobody hears of what fails. See the log of the DLQ watcher, and Slack."
        return {f"{id_}StayAlarm": _stay(name, text, minutes)}
    if queue.source_queue is not None:
        text = f"Dead messages stay in {name}: the DLQ watcher does not run, or cannot report them. See its log."
        return {f"{id_}StayAlarm": _stay(name, text, _MINUTES_UNTIL_REPORTED)}
    if name == CALLBACKS:
        # An age of hours is what its schedule wants.
        return {f"{id_}InFlightAlarm": _in_flight(name), f"{id_}UnreceivedAlarm": _unreceived(name)}
    return {f"{id_}AgeAlarm": _age(name)}


def function_alarms(name: str, function_id: str) -> dict[str, Resource]:
    """Return the alarms on the function that is called so, and has this logical id."""
    failed = f"{name}: it was ended, did not start, or ran out of time or memory. See its log."
    throttled = f"{name}: it was not let run. Raise the account's concurrency, or lower MaximumConcurrency."
    return {
        f"{logical_id(name)}ErrorsAlarm": _on_function("Errors", function_id, failed, FEWEST_ERRORS),
        f"{logical_id(name)}ThrottlesAlarm": _on_function("Throttles", function_id, throttled, FEWEST_THROTTLES),
    }


def queue_metric(name: str, metric: str) -> Metric:
    """Return one of SQS's metrics of a queue."""
    dimensions = [{"Name": "QueueName", "Value": queue_name(name)}]
    return {"Namespace": "AWS/SQS", "MetricName": metric, "Dimensions": dimensions}


def waiting_age(name: str) -> list[Metric]:
    """Return how long the oldest message of a queue has waited for a worker, in seconds: 0 where none waits.

    SQS's own age goes on while a message is worked, and while it waits out a retry.
    """
    return [
        _query("visible", queue_metric(name, "ApproximateNumberOfMessagesVisible")),
        _query("age", queue_metric(name, "ApproximateAgeOfOldestMessage")),
        _computed("waiting", "IF(visible > 0, age, 0)"),
    ]


def alarm(
    description: str, metrics: Sequence[Metric], *, at_least: object, periods: int, actions: Resource
) -> Resource:
    """Return an alarm that rings where the last metric is at least so much for so many of its periods in a row."""
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmDescription": description,
            "Metrics": [*metrics],
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "Threshold": at_least,
            "EvaluationPeriods": periods,
            # Of what nobody uses, CloudWatch is told nothing.
            "TreatMissingData": "notBreaching",
            **actions,
        },
    }


def _undelivered() -> Resource:
    description = f"A message is kept in {UNDELIVERED}: nobody has taken its outcome, and a person has to redrive it."
    query = _query("visible", queue_metric(UNDELIVERED, "ApproximateNumberOfMessagesVisible"), is_result=True)
    return _told(description, [query], at_least=FEWEST_UNDELIVERED)


def _stay(name: str, description: str, minutes: int) -> Resource:
    # What waits for its next try is in flight.
    metrics = [
        _query("visible", queue_metric(name, "ApproximateNumberOfMessagesVisible")),
        _query("inflight", queue_metric(name, "ApproximateNumberOfMessagesNotVisible")),
        _computed("stay", "visible + inflight"),
    ]
    return _told(description, metrics, at_least=1, periods=minutes)


def _in_flight(name: str) -> Resource:
    description = f"So many outcomes wait in {name} for receivers that are down that it may soon give out no other."
    query = _query("inflight", queue_metric(name, "ApproximateNumberOfMessagesNotVisible"), is_result=True)
    return _told(description, [query], at_least=MOST_IN_FLIGHT, periods=_MINUTES_OF_BACKLOG)


def _unreceived(name: str) -> Resource:
    description = f"Outcomes wait in {name}, and nobody takes one: its workers do not run, or do not receive."
    metrics = [
        _query("visible", queue_metric(name, "ApproximateNumberOfMessagesVisible")),
        _query("received", queue_metric(name, "NumberOfMessagesReceived"), "Sum"),
        _computed("unreceived", "IF(FILL(received, 0) > 0, 0, visible)"),
    ]
    return _told(description, metrics, at_least=1, periods=_MINUTES_UNTIL_RECEIVED)


def _age(name: str) -> Resource:
    description = f"Tasks of {name} wait too long: its workers are too few, or do not work."
    return _told(description, waiting_age(name), at_least={"Ref": _AGE_PARAMETER}, periods=_MINUTES_OF_BACKLOG)


def _on_function(name: str, function_id: str, description: str, fewest: int) -> Resource:
    dimensions = [{"Name": "FunctionName", "Value": {"Ref": function_id}}]
    metric = {"Namespace": "AWS/Lambda", "MetricName": name, "Dimensions": dimensions}
    query = _query(name.lower(), metric, "Sum", _FUNCTION_PERIOD_SECONDS, is_result=True)
    return _told(description, [query], at_least=fewest)


def _told(description: str, metrics: Sequence[Metric], *, at_least: object, periods: int = 1) -> Resource:
    """Return an alarm of which a topic hears, and of its end."""
    topic = {"Fn::If": [_TOPIC_CONDITION, [{"Ref": _TOPIC_PARAMETER}], NO_VALUE]}
    actions = {"AlarmActions": topic, "OKActions": topic}
    return alarm(description, metrics, at_least=at_least, periods=periods, actions=actions)


def _query(
    identifier: str,
    metric: Metric,
    statistic: Literal["Maximum", "Sum"] = "Maximum",
    period_seconds: int = PERIOD_SECONDS,
    *,
    is_result: bool = False,
) -> Metric:
    measured = {"Metric": metric, "Period": period_seconds, "Stat": statistic}
    return {"Id": identifier, "MetricStat": measured, "ReturnData": is_result}


def _computed(identifier: str, expression: str) -> Metric:
    return {"Id": identifier, "Expression": expression, "ReturnData": True}
