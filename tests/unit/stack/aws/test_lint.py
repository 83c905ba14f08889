"""What cfn-lint lets pass and Lambda and SQS lose messages by: the rules of our own, on a translated template."""

from pathlib import Path
from typing import Any

import pytest

from stack.aws.lint import check, own_faults
from stack.errors import StackError


def queue(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


def function(timeout: int = 10) -> dict[str, Any]:
    return {"Type": "AWS::Lambda::Function", "Properties": {"Timeout": timeout}}


def trigger(of: str = "Work", calls: str = "Worker", **properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "EventSourceArn": {"Fn::GetAtt": [of, "Arn"]},
            "FunctionName": {"Ref": calls},
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            **properties,
        },
    }


def alarm(namespace: str, metric: str) -> dict[str, Any]:
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Namespace": namespace, "MetricName": metric}}


def computed(*metrics: str) -> dict[str, Any]:
    measured: list[dict[str, Any]] = [
        {"Id": metric.lower(), "MetricStat": {"Metric": {"Namespace": "AWS/SQS", "MetricName": metric}}}
        for metric in metrics
    ]
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": [*measured, {"Expression": "…"}]}}


DEAD_LETTERS = {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 1}

SOUND: dict[str, Any] = {
    "Work": queue(VisibilityTimeout=60, RedrivePolicy=DEAD_LETTERS),
    "Dead": queue(),
    "Worker": function(),
    "Trigger": trigger(),
    "Alarm": alarm("AWS/SQS", "ApproximateAgeOfOldestMessage"),
}


def hidden_for_too_short(visibility: int, needed: int) -> str:
    why = (
        f"less than {needed}, the Timeout of Worker and its batching window: a message returns while it is being worked"
    )
    return f"Work: its VisibilityTimeout of {visibility} is {why}"


def test_a_sound_template_has_no_fault() -> None:
    assert own_faults(SOUND) == []


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        (
            {"Trigger": trigger(FunctionResponseTypes=[])},
            "Trigger: without ReportBatchItemFailures Lambda deletes what the function has failed at",
        ),
        (
            {"Trigger": trigger(FilterCriteria={"Filters": []})},
            "Trigger: FilterCriteria deletes without a trace what does not match",
        ),
        (
            {"Trigger": trigger(BatchSize=11)},
            "Trigger: a BatchSize above 10 needs MaximumBatchingWindowInSeconds of 1 or more",
        ),
        (
            {"Worker": function(timeout=61)},
            hidden_for_too_short(60, 61),
        ),
        (
            {"Trigger": trigger(MaximumBatchingWindowInSeconds=51)},
            hidden_for_too_short(60, 61),
        ),
        (
            # SQS hides a message for 30 seconds where nothing else is said.
            {"Work": queue(), "Worker": function(timeout=31)},
            hidden_for_too_short(30, 31),
        ),
        (
            {"Trigger": trigger(of="Elsewhere")},
            "Trigger: its EventSourceArn is that of no queue of the template",
        ),
        (
            {"Trigger": trigger(EventSourceArn="arn:aws:sqs:eu-central-1:123456789012:work")},
            "Trigger: its EventSourceArn is that of no queue of the template",
        ),
        (
            {"Other": function(), "Second": trigger(calls="Other")},
            "Work: it triggers Other and Worker, and each gets some of its messages only",
        ),
        (
            {"Work": queue(VisibilityTimeout=60, RedrivePolicy={**DEAD_LETTERS, "maxReceiveCount": 0})},
            "Work: its maxReceiveCount is 0, and 1 is the least",
        ),
        (
            {"Dead": function()},
            "Work: its deadLetterTargetArn is that of no queue of the template",
        ),
        (
            {"Alarm": alarm("AWS/SQS", "AproximateAgeOfOldestMessage")},
            "Alarm: AWS/SQS has no metric AproximateAgeOfOldestMessage that an alarm is known to be about",
        ),
        (
            {"Alarm": alarm("AWS/Lambda", "ApproximateAgeOfOldestMessage")},
            "Alarm: AWS/Lambda has no metric ApproximateAgeOfOldestMessage that an alarm is known to be about",
        ),
        (
            {"Alarm": computed("ApproximateNumberOfMessagesVisible", "NumberOfMessagesRecieved")},
            "Alarm: AWS/SQS has no metric NumberOfMessagesRecieved that an alarm is known to be about",
        ),
    ],
)
def test_a_fault_is_said_with_its_place(broken: dict[str, Any], fault: str) -> None:
    assert own_faults({**SOUND, **broken}) == [fault]


@pytest.mark.parametrize(
    "sound",
    [
        {"Trigger": trigger(BatchSize=10)},
        {"Trigger": trigger(BatchSize=100, MaximumBatchingWindowInSeconds=1)},
        {"Worker": function(timeout=60)},
        {"Alarm": alarm("AWS/Lambda", "Errors")},
        {"Alarm": computed("ApproximateNumberOfMessagesVisible", "NumberOfMessagesReceived")},
        {"Other": function(), "Second": trigger(of="Dead", calls="Other")},
    ],
)
def test_what_just_fits_is_no_fault(sound: dict[str, Any]) -> None:
    assert own_faults({**SOUND, **sound}) == []


def test_where_the_tools_are_missing_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"/python is missing: it has cfn-lint"):
        check({}, tmp_path / "python")
