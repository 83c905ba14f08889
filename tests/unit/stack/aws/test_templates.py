"""What holds for all templates alike: the queues, what a person hears of them, and that the API is not everybody's."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from services.queues import define_queues
from services.task_types.loading import load_task_types
from stack.aws.containers_template import containers_template, render_containers
from stack.aws.functions_template import functions_template, render_functions
from stack.aws.queues_template import queues_template, render_queues

TASK_TYPES = load_task_types(["services.tasks"])

TEMPLATES: dict[str, dict[str, Any]] = {
    "containers": containers_template(TASK_TYPES, {}),
    "functions": functions_template(TASK_TYPES, {}),
    "queues": queues_template(TASK_TYPES, {}),
}
TEXTS = {
    "containers": render_containers(TASK_TYPES, {}),
    "functions": render_functions(TASK_TYPES, {}),
    "queues": render_queues(TASK_TYPES, {}),
}

each_template = pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)


def of_type(template: Mapping[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {name: each for name, each in template["Resources"].items() if each["Type"] == kind}


# --- queues --------------------------------------------------------------------------------------------------


@each_template
def test_each_queue_of_the_code_is_made(template: Mapping[str, Any]) -> None:
    names = [each["Properties"]["QueueName"] for each in of_type(template, "AWS::SQS::Queue").values()]
    assert names == [{"Fn::Sub": f"${{QueueNamePrefix}}{name}"} for name in define_queues(TASK_TYPES)]


@each_template
def test_a_removed_stack_leaves_no_queue_that_keeps_the_next_one_from_being_made(template: Mapping[str, Any]) -> None:
    assert {each["DeletionPolicy"] for each in of_type(template, "AWS::SQS::Queue").values()} == {"Delete"}


@each_template
def test_a_queue_that_gets_another_name_loses_no_message_by_that(template: Mapping[str, Any]) -> None:
    assert {each["UpdateReplacePolicy"] for each in of_type(template, "AWS::SQS::Queue").values()} == {"Retain"}


def test_beside_the_queues_the_template_of_the_queues_has_their_alarms_alone() -> None:
    kinds = {each["Type"] for each in TEMPLATES["queues"]["Resources"].values()}
    assert kinds == {"AWS::SQS::Queue", "AWS::CloudWatch::Alarm"}


# --- alarms --------------------------------------------------------------------------------------------------

VISIBLE, IN_FLIGHT = "ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible"
AGE, RECEIVED = "ApproximateAgeOfOldestMessage", "NumberOfMessagesReceived"

Rings = tuple[str, list[str], object, int]
"""What an alarm is about, the metrics that it looks at, and from what on, for how many minutes, it rings."""

ON_QUEUES: list[Rings] = [
    ("alerts", [VISIBLE, IN_FLIGHT], 1, 16),
    ("calculation", [VISIBLE, AGE], {"Ref": "OldestMessageAlarmSeconds"}, 5),
    ("calculation-dlq", [VISIBLE, IN_FLIGHT], 1, 15),
    ("callbacks", [IN_FLIGHT], 90_000, 5),
    ("callbacks", [VISIBLE, RECEIVED], 1, 5),
    ("callbacks-dlq", [VISIBLE, IN_FLIGHT], 1, 15),
    ("data", [VISIBLE, AGE], {"Ref": "OldestMessageAlarmSeconds"}, 5),
    ("data-dlq", [VISIBLE, IN_FLIGHT], 1, 15),
    ("undelivered", [VISIBLE], 1, 1),
]

ON_FUNCTIONS: list[Rings] = [
    (function, [metric], 1, 5)
    for function in (
        "AlertsFunction",
        "ApiFunction",
        "DlqWatcherFunction",
        "WorkerCalculationFunction",
        "WorkerCallbacksFunction",
        "WorkerDataFunction",
    )
    for metric in ("Errors", "Throttles")
]


def alarms(template: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Those that tell a person."""
    all_alarms = of_type(template, "AWS::CloudWatch::Alarm").items()
    return {name: each["Properties"] for name, each in all_alarms if "OKActions" in each["Properties"]}


def rings(alarm: Mapping[str, Any]) -> Rings:
    measured = [each["MetricStat"] for each in alarm["Metrics"] if "MetricStat" in each]
    (period,) = {each["Period"] for each in measured}
    metrics = [each["Metric"] for each in measured]
    (about,) = {next(iter(dimension["Value"].values())) for each in metrics for dimension in each["Dimensions"]}
    minutes = alarm["EvaluationPeriods"] * period // 60
    return (
        about.removeprefix("${QueueNamePrefix}"),
        [each["MetricName"] for each in metrics],
        alarm["Threshold"],
        minutes,
    )


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("containers", ON_QUEUES), ("functions", ON_FUNCTIONS + ON_QUEUES), ("queues", ON_QUEUES)],
)
def test_a_person_is_told_of_what_does_not_go_away_by_itself(kind: str, expected: list[Rings]) -> None:
    assert sorted(map(rings, alarms(TEMPLATES[kind]).values()), key=str) == sorted(expected, key=str)


def result(alarm: Mapping[str, Any]) -> str:
    (returned,) = (each for each in alarm["Metrics"] if each["ReturnData"])
    assert returned is alarm["Metrics"][-1]
    return str(returned.get("Expression") or returned["Id"])


@each_template
def test_an_alarm_is_about_one_result(template: Mapping[str, Any]) -> None:
    results = {name: result(alarm) for name, alarm in alarms(template).items()}

    # The age of a message that is worked, or waits out a retry, is no alarm while none waits.
    assert results["DataAgeAlarm"] == "IF(visible > 0, age, 0)"
    # What waits for its next try is in flight: it stays all the same.
    assert results["DataDlqStayAlarm"] == results["AlertsStayAlarm"] == "visible + inflight"
    # Where receivers are down, outcomes are old; and where any is received, somebody works them.
    assert results["CallbacksUnreceivedAlarm"] == "IF(FILL(received, 0) > 0, 0, visible)"


@each_template
def test_alarms_and_their_ends_go_to_a_topic_where_there_is_one(template: Mapping[str, Any]) -> None:
    assert template["Conditions"]["HasAlarmTopic"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmTopicArn"}, ""]}]}
    topic = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    for alarm in alarms(template).values():
        assert (alarm["AlarmActions"], alarm["OKActions"]) == (topic, topic)


@each_template
def test_what_cloudwatch_is_told_nothing_of_is_no_alarm(template: Mapping[str, Any]) -> None:
    assert {alarm["TreatMissingData"] for alarm in alarms(template).values()} == {"notBreaching"}


@pytest.mark.parametrize("make", [containers_template, functions_template, queues_template])
def test_alerts_that_are_still_gathered_are_no_alarm(make: Any) -> None:
    template = make(TASK_TYPES, {"ALERT_WINDOW_SECONDS": "600"})
    assert template["Resources"]["AlertsStayAlarm"]["Properties"]["EvaluationPeriods"] == 15 + 10


# --- parameters and secrets ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TEMPLATES)
def test_every_parameter_is_used_and_says_what_it_is(kind: str) -> None:
    for name, parameter in TEMPLATES[kind]["Parameters"].items():
        assert parameter["Description"]
        used = re.sub(r"\nRules:\n.*?\nConditions:\n", "\n", TEXTS[kind], flags=re.DOTALL)
        assert re.search(rf"Ref: {name}\b|\$\{{{name}\}}", used), name


def test_what_is_of_two_templates_is_the_same_parameter_in_both() -> None:
    containers, functions = (dict(TEMPLATES[kind]["Parameters"]) for kind in ("containers", "functions"))
    # What each calls the processors that it knows.
    del containers["Architecture"], functions["Architecture"]
    common = containers.keys() & functions.keys()

    assert {"AlarmTopicArn", "ApiKeys", "LogRetentionDays", "SettingsSecretArn"} <= common
    assert {name: containers[name] for name in common} == {name: functions[name] for name in common}
    assert TEMPLATES["queues"]["Parameters"].items() <= functions.items()


def holds(condition: Mapping[str, Any], parameters: Mapping[str, str]) -> bool:
    """What CloudFormation says of a condition."""
    match condition:
        case {"Fn::Not": [inner]}:
            return not holds(inner, parameters)
        case {"Fn::Equals": [{"Ref": name}, value]}:
            return parameters.get(name, "") == str(value)
    raise AssertionError(condition)


def refusals(template: Mapping[str, Any], parameters: Mapping[str, str]) -> list[str]:
    return [
        assertion["AssertDescription"]
        for rule in template["Rules"].values()
        for assertion in rule["Assertions"]
        if not holds(assertion["Assert"], parameters)
    ]


@pytest.mark.parametrize("kind", ["containers", "functions"])
def test_an_api_without_keys_is_not_deployed(kind: str) -> None:
    arn = {"SettingsSecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:async-tasks-settings-AbCdEf"}
    others = {"SlackBotToken": "SLACK_BOT_TOKEN::", "CallbackSigningSecret": "CALLBACK_SIGNING_SECRET::"}

    [refusal] = refusals(TEMPLATES[kind], arn | others)
    assert refusal.startswith("ApiKeys must be set: ")
    [refusal] = refusals(TEMPLATES[kind], {"ApiKeys": "API_KEYS::"})
    assert refusal.startswith("SettingsSecretArn must be set: ")
    assert refusals(TEMPLATES[kind], arn | {"ApiKeys": "API_KEYS::"}) == []


@pytest.mark.parametrize("kind", ["containers", "functions"])
@pytest.mark.parametrize(
    ("text", "is_taken"),
    [
        ("", True),
        ("API_KEYS::", True),
        ("API_KEYS::a60fbb43-6fbc-4ccb-8c8e-2a2cd1b9c0a4", True),
        ("API_KEYS:AWSCURRENT:", True),
        ("SLACK_BOT_TOKEN::", False),
        ("a-key-of-a-client-which-is-secret", False),
    ],
)
def test_what_is_no_key_of_a_secret_is_refused_as_where_one_is(kind: str, text: str, *, is_taken: bool) -> None:
    pattern = TEMPLATES[kind]["Parameters"]["ApiKeys"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, text)) is is_taken
