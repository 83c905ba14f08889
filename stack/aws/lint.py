"""What is wrong with a template, of SAM or not: by cfn-lint, and by rules of SQS and Lambda that it does not know.

Nothing is asked of AWS. cfn-lint 1.58 lets pass what these rules are about; most of it Lambda takes as well, and loses
messages by it.
"""

import json
import os
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.aws.functions import BATCH_SIZE
from stack.config import ROOT
from stack.errors import StackError

_TRANSLATE = ROOT / "aws" / "tools" / "translate.py"

# What there is differs between regions in nothing that is used here.
_REGION = "us-east-1"

# Where a template says nothing else, of a queue and of a function.
_DEFAULT_VISIBILITY_SECONDS = 30
_DEFAULT_TIMEOUT_SECONDS = 3

Resources = Mapping[str, Mapping[str, Any]]
"""Those of a translated template, by their logical ids."""

METRICS = {
    "AWS/Lambda": {"Duration", "Errors", "Invocations", "Throttles"},
    "AWS/SQS": {
        "ApproximateAgeOfOldestMessage",
        "ApproximateNumberOfMessagesDelayed",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesVisible",
        "NumberOfMessagesReceived",
    },
}
"""Of the metrics that there are those that an alarm may be about: one of any other name is an alarm that never rings.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
"""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a template becomes, and what is wrong with that."""

    faults: list[str]
    """A line for each, which names its place."""
    resources: Resources
    """None where it cannot be translated."""


def check(template: Mapping[str, Any], python: Path) -> Checked:
    """Translate and check a template, by the interpreter of the environment that has cfn-lint.

    Raises `StackError` where that is missing, or ends without an answer.
    """
    if not python.exists():
        raise StackError(f"{python} is missing: it has cfn-lint, which checks the template.")
    done = subprocess.run(  # noqa: S603  # our own program
        # Isolated: what lies beside the program is none of its modules.
        [python, "-I", _TRANSLATE],
        input=json.dumps(template),
        env={**os.environ, "AWS_DEFAULT_REGION": _REGION},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise StackError("The template cannot be checked: see what the tools of AWS say.", done.stderr)
    answer = json.loads(done.stdout)
    return Checked([*answer["faults"], *own_faults(answer["resources"])], answer["resources"])


def own_faults(resources: Resources) -> list[str]:
    """Return a line for each fault in the resources of a translated template that cfn-lint does not know."""
    return [
        *_faults_of_triggers(resources),
        *_shared_queues(resources),
        *_faults_of_redrive(resources),
        *_faults_of_alarms(resources),
    ]


def _faults_of_triggers(resources: Resources) -> Iterator[str]:
    for name, trigger in _of_type(resources, "AWS::Lambda::EventSourceMapping"):
        if "ReportBatchItemFailures" not in trigger.get("FunctionResponseTypes", []):
            yield f"{name}: without ReportBatchItemFailures Lambda deletes what the function has failed at"
        if "FilterCriteria" in trigger:
            yield f"{name}: FilterCriteria deletes without a trace what does not match"
        window = trigger.get("MaximumBatchingWindowInSeconds", 0)
        if trigger.get("BatchSize", BATCH_SIZE) > BATCH_SIZE and not window:
            yield f"{name}: a BatchSize above {BATCH_SIZE} needs MaximumBatchingWindowInSeconds of 1 or more"
        yield from _faults_of_visibility(name, trigger, resources, window)


def _faults_of_visibility(name: str, trigger: Mapping[str, Any], resources: Resources, window: int) -> Iterator[str]:
    """Compare with the timeout and the window: messages are hidden from when the first is gathered.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    """
    queue, function = _id_in(trigger.get("EventSourceArn")), _id_in(trigger.get("FunctionName"))
    if queue is None or resources.get(queue, {}).get("Type") != "AWS::SQS::Queue":
        yield f"{name}: its EventSourceArn is that of no queue of the template"
        return
    visibility = _properties(resources, queue).get("VisibilityTimeout", _DEFAULT_VISIBILITY_SECONDS)
    timeout = _properties(resources, function or "").get("Timeout", _DEFAULT_TIMEOUT_SECONDS)
    if visibility < timeout + window:
        yield (
            f"{queue}: its VisibilityTimeout of {visibility} is less than {timeout + window}, the Timeout of {function}"
            " and its batching window: a message returns while it is being worked"
        )


def _shared_queues(resources: Resources) -> Iterator[str]:
    functions = defaultdict(list)
    for _, trigger in _of_type(resources, "AWS::Lambda::EventSourceMapping"):
        functions[_id_in(trigger.get("EventSourceArn"))].append(str(_id_in(trigger.get("FunctionName"))))
    for queue, names in functions.items():
        if len(names) > 1:
            yield f"{queue}: it triggers {' and '.join(sorted(names))}, and each gets some of its messages only"


def _faults_of_redrive(resources: Resources) -> Iterator[str]:
    for name, queue in _of_type(resources, "AWS::SQS::Queue"):
        policy = queue.get("RedrivePolicy")
        if policy is None:
            continue
        if policy.get("maxReceiveCount", 0) < 1:
            yield f"{name}: its maxReceiveCount is {policy.get('maxReceiveCount')}, and 1 is the least"
        dlq = _id_in(policy.get("deadLetterTargetArn"))
        if dlq is None or resources.get(dlq, {}).get("Type") != "AWS::SQS::Queue":
            yield f"{name}: its deadLetterTargetArn is that of no queue of the template"


def _faults_of_alarms(resources: Resources) -> Iterator[str]:
    for name, alarm in _of_type(resources, "AWS::CloudWatch::Alarm"):
        for measured in _measured_by(alarm):
            namespace, metric = measured.get("Namespace"), measured.get("MetricName")
            if metric not in METRICS.get(str(namespace), set()):
                yield f"{name}: {namespace} has no metric {metric} that an alarm is known to be about"


def _measured_by(alarm: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what an alarm measures: one metric, or those of which it computes one."""
    metrics = [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", []) if "MetricStat" in each]
    return metrics or [alarm]


def _of_type(resources: Resources, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, resource in resources.items():
        if resource["Type"] == kind:
            yield name, _properties(resources, name)


def _properties(resources: Resources, name: str) -> Mapping[str, Any]:
    properties: Mapping[str, Any] = resources.get(name, {}).get("Properties", {})
    return properties


def _id_in(value: Any) -> str | None:
    """Return the logical id to which `Ref` or `Fn::GetAtt` refers."""
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            return name
        case {"Fn::GetAtt": str(name)}:
            return name.partition(".")[0]
    return None
