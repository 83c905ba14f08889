"""aws/queues.yaml: the queues, and what a person hears of them."""

from typing import Any

import pytest
import yaml

from services.queues import define_queues
from services.task_types.loading import load_task_types
from stack.aws.queues_template import queues_template

DEFINITIONS = list(define_queues(load_task_types(["services.tasks"])).values())
TEMPLATE: dict[str, Any] = yaml.safe_load(queues_template(DEFINITIONS))
ALARMS: dict[str, Any] = {
    name: each["Properties"] for name, each in TEMPLATE["Resources"].items() if each["Type"] == "AWS::CloudWatch::Alarm"
}


def watched(alarm: dict[str, Any]) -> tuple[str, list[str]]:
    """The queue that an alarm is about, and the metrics that it looks at."""
    metrics = [each["MetricStat"]["Metric"] for each in alarm["Metrics"] if "MetricStat" in each]
    (name,) = {metric["Dimensions"][0]["Value"]["Fn::Sub"] for metric in metrics}
    return name.removeprefix("${QueueNamePrefix}"), [metric["MetricName"] for metric in metrics]


VISIBLE, IN_FLIGHT = "ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible"
AGE = "ApproximateAgeOfOldestMessage"


def test_there_are_the_queues_and_their_alarms_alone() -> None:
    kinds = [each["Type"] for each in TEMPLATE["Resources"].values()]
    assert kinds.count("AWS::SQS::Queue") == len(DEFINITIONS)
    assert set(kinds) == {"AWS::SQS::Queue", "AWS::CloudWatch::Alarm"}


def test_there_is_an_alarm_on_tasks_that_wait_on_dead_messages_that_stay_and_on_callbacks_that_pile_up() -> None:
    assert sorted(watched(alarm) for alarm in ALARMS.values()) == [
        ("calculation", [VISIBLE, AGE]),
        ("calculation-dlq", [VISIBLE, IN_FLIGHT]),
        ("callbacks", [IN_FLIGHT]),
        ("callbacks-dlq", [VISIBLE, IN_FLIGHT]),
        ("data", [VISIBLE, AGE]),
        ("data-dlq", [VISIBLE, IN_FLIGHT]),
        ("undelivered", [VISIBLE]),
    ]


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_has_one_result_and_goes_to_the_topic_where_there_is_one(name: str) -> None:
    alarm = ALARMS[name]
    assert [each["ReturnData"] for each in alarm["Metrics"]].count(True) == 1
    assert alarm["Metrics"][-1]["ReturnData"] is True
    topic = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    assert (alarm["AlarmActions"], alarm["OKActions"]) == (topic, topic)


def test_the_age_of_a_message_that_is_worked_or_waits_out_a_retry_is_no_alarm() -> None:
    assert ALARMS["DataAgeAlarm"]["Metrics"][-1]["Expression"] == "IF(visible > 0, age, 0)"


def test_callbacks_are_an_alarm_before_their_queue_gives_out_nothing() -> None:
    assert ALARMS["CallbacksInFlightAlarm"]["Threshold"] == 90_000


def test_a_queue_of_which_sqs_says_nothing_is_no_alarm() -> None:
    assert {alarm["TreatMissingData"] for alarm in ALARMS.values()} == {"notBreaching"}
