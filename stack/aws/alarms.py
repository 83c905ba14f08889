"""What a person is to look at, as CloudWatch alarms: each stands for something that does not go away by itself.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from services.primitives.sqs_limits import MAX_IN_FLIGHT
from services.queueing.definition import QueueDefinition
from services.queues import CALLBACKS, UNDELIVERED
from stack.aws.queue_resources import Resource, logical_id, queue_name

TOPIC_PARAMETER = "AlarmTopicArn"
TOPIC_CONDITION = "HasAlarmTopic"

PERIOD_SECONDS = 300
"""As often SQS reports the metrics of a queue at the least that nobody has used for hours."""

WAITED_TOO_LONG_SECONDS = 600
"""Longer than all attempts and the waits between them take, a message only lies there for want of someone to work it.
Ten minutes of that are a backlog, and not a moment of much to do."""

DEAD_FOR_PERIODS = 3
"""The watcher takes a dead message within seconds, and what it cannot report every 5 minutes at the latest: what is
seen three times in a row is not being reported."""

FEWEST_UNDELIVERED = 1
"""Each waits for a person, and is deleted after 14 days."""

MOST_IN_FLIGHT = MAX_IN_FLIGHT * 5 // 6
"""Of the outcomes that wait hidden for their next delivery attempt: at SQS's limit no further one is tried."""

FEWEST_ERRORS = 1
"""An attempt that fails is none: each is a function that was ended, did not start, or ran out of time or memory."""

FEWEST_THROTTLES = 1
"""A throttled function lets messages lie whose receives SQS counts: where one attempt is all there is, none is left."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of CloudWatch, and whose it is."""

    namespace: Literal["AWS/SQS", "AWS/Lambda"]
    name: str
    statistic: Literal["Maximum", "Sum"]
    dimensions: Mapping[str, Resource]


def queue_alarms(
    definitions: Iterable[QueueDefinition], longest_work_seconds: Mapping[str, float]
) -> dict[str, Resource]:
    """Return the alarms on queues by their logical ids.

    `longest_work_seconds`: how long a message of each worker's queue may be worked and tried again.
    """
    alarms: dict[str, Resource] = {}
    for queue in definitions:
        alarms |= _alarms_of(queue, longest_work_seconds)
    return alarms


def _alarms_of(queue: QueueDefinition, longest_work_seconds: Mapping[str, float]) -> dict[str, Resource]:
    name = logical_id(queue.name)
    if queue.source_queue is not None:
        text = f"{queue.name}: dead messages are not reported. See the log of dlq-watcher."
        metric = _of_queue(queue, "ApproximateNumberOfMessagesVisible")
        return {f"{name}MessagesAlarm": _alarm(text, metric, 1, DEAD_FOR_PERIODS)}
    if queue.name == UNDELIVERED:
        text = "undelivered: outcomes reached nobody. Redrive them when their callbacks answer again."
        metric = _of_queue(queue, "ApproximateNumberOfMessagesVisible")
        return {f"{name}MessagesAlarm": _alarm(text, metric, FEWEST_UNDELIVERED)}
    if queue.consumer != "worker":
        return {}
    longest = int(longest_work_seconds[queue.name]) + WAITED_TOO_LONG_SECONDS
    text = f"{queue.name}: messages wait longer than their work takes. Raise MaximumConcurrency, or see its function."
    alarms = {f"{name}AgeAlarm": _alarm(text, _of_queue(queue, "ApproximateAgeOfOldestMessage"), longest)}
    if queue.name == CALLBACKS:
        text = f"{queue.name}: outcomes that wait for their callbacks come near the {MAX_IN_FLIGHT} that SQS allows."
        metric = _of_queue(queue, "ApproximateNumberOfMessagesNotVisible")
        alarms[f"{name}InFlightAlarm"] = _alarm(text, metric, MOST_IN_FLIGHT)
    return alarms


def function_alarms(name: str, function_id: str) -> dict[str, Resource]:
    """Return the alarms on the function that is called so, and has this logical id."""
    dimensions = {"FunctionName": {"Ref": function_id}}
    errors = Metric("AWS/Lambda", "Errors", "Sum", dimensions)
    throttles = Metric("AWS/Lambda", "Throttles", "Sum", dimensions)
    failed = f"{name}: it was ended, did not start, or ran out of time or memory. See its log."
    throttled = f"{name}: it was not let run. Raise the account's concurrency, or lower MaximumConcurrency."
    return {
        f"{logical_id(name)}ErrorsAlarm": _alarm(failed, errors, FEWEST_ERRORS),
        f"{logical_id(name)}ThrottlesAlarm": _alarm(throttled, throttles, FEWEST_THROTTLES),
    }


def _of_queue(queue: QueueDefinition, metric: str) -> Metric:
    return Metric("AWS/SQS", metric, "Maximum", {"QueueName": queue_name(queue.name)})


def _alarm(description: str, metric: Metric, threshold: int, periods: int = 1) -> Resource:
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmDescription": description,
            "Namespace": metric.namespace,
            "MetricName": metric.name,
            "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions.items()],
            "Statistic": metric.statistic,
            "Period": PERIOD_SECONDS,
            "EvaluationPeriods": periods,
            "Threshold": threshold,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            # Of a queue that nobody uses SQS reports nothing.
            "TreatMissingData": "notBreaching",
            "AlarmActions": {"Fn::If": [TOPIC_CONDITION, [{"Ref": TOPIC_PARAMETER}], {"Ref": "AWS::NoValue"}]},
        },
    }
